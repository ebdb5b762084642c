"""Scenes: a head with neck and shoulders in a frame of any size, for the whole pipeline.

The same layers as the crops; the lossy step is a real codec when the scene is written as a video,
so the stand-in for one is left out.
"""

from collections.abc import Iterator
from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from pulsephase.errors import ParameterError
from pulsephase.synthetic.camera import gain_of, levels_of, rounded
from pulsephase.synthetic.config import CodecRanges, FaceRanges, SynthConfig
from pulsephase.synthetic.face import grid_lines
from pulsephase.synthetic.render import Drawn, clip_of, draw_clip, parts, shade
from pulsephase.synthetic.streams import Stream
from pulsephase.video.clip import Clip

FILL = (0.38, 0.52)  # half height of the head over half height of the frame
PIXELS_AT_ONCE = 640_000  # two frames of 640 x 480
SMALLEST_SIDE = 64
SHOULDERS = 1.9  # half width of the shoulders over the head's


def scene_clips(
    seed: int, config: SynthConfig, *, width: int = 640, height: int = 480
) -> Iterator[Clip]:
    """Render a scene piece by piece, so that memory does not grow with its length.

    Args:
        seed: Of the scene.
        config: What may vary; its ``size`` and the face's ``fill`` are not used.
        width: Pixels across, at least 64.
        height: Pixels down, at least 64.

    Yields:
        Consecutive clips of uint8 frames with pulse, face box and truth.

    Raises:
        ParameterError: If the frame is too small or the seed negative.
    """
    if min(width, height) < SMALLEST_SIDE:
        raise ParameterError(
            f"scene is {width}x{height}; each side needs at least {SMALLEST_SIDE} px"
        )
    face = FaceRanges(
        fill=FILL,
        delay_s=config.face.delay_s,
        perfusion_spread=config.face.perfusion_spread,
        beard_probability=config.face.beard_probability,
    )
    bare = replace(config, face=face, codec=CodecRanges(probability=0.0))
    drawn = draw_clip(seed, bare, height=height, width=width)
    drawn = drawn._replace(background=with_body(drawn))
    noise, dither = Stream(seed, "noise"), Stream(seed, "dither")
    gain, last = 0.0, torch.empty(0)
    for part in parts(config.frames, height * width, at_once=PIXELS_AT_ONCE):
        linear, skin = shade(drawn, part)
        gain = gain or gain_of(linear[:, 0], skin[0], drawn.camera)
        levels = levels_of(linear, drawn.camera, part, gain=gain, noise=noise)
        frames = rounded(levels, dither).clamp_(0, 255).byte().transpose(0, 1).contiguous()
        for index, repeated in enumerate(drawn.camera.repeated[part].tolist()):
            if repeated:
                frames[index] = last
            last = frames[index]
        yield clip_of(drawn, frames, part)


def render_scene(seed: int, config: SynthConfig, *, width: int = 640, height: int = 480) -> Clip:
    """Render a scene at once; see :func:`scene_clips`."""
    pieces = list(scene_clips(seed, config, width=width, height=height))
    return join(pieces)


def join(pieces: list[Clip]) -> Clip:
    """Put consecutive synthetic clips together."""
    first = pieces[0]
    assert first.truth is not None
    return replace(
        first,
        frames=torch.cat([piece.frames for piece in pieces]),
        times_s=torch.cat([piece.times_s for piece in pieces]),
        pulse=torch.cat([piece.pulse for piece in pieces if piece.pulse is not None]),
        boxes=torch.cat([piece.boxes for piece in pieces if piece.boxes is not None]),
        truth=replace(
            first.truth,
            heart_rate_bpm=torch.cat(
                [piece.truth.heart_rate_bpm for piece in pieces if piece.truth is not None]
            ),
            beat_times_s=torch.cat(
                [piece.truth.beat_times_s for piece in pieces if piece.truth is not None]
            ),
        ),
    )


def with_body(drawn: Drawn) -> Float[Tensor, "3 height width"]:
    """Paint neck and shoulders on the background; they neither move nor pulse."""
    draw = Stream(drawn.seed, "body")
    background = drawn.background
    across, down = grid_lines(*background.shape[1:])
    head = drawn.face.fill * drawn.face.axes
    right, low = drawn.motion.pose[3].mean(), drawn.motion.pose[4].mean()
    x, y = across[None, :] - float(right), down[:, None] - float(low)
    wide, high = float(head[0]), float(head[1])
    neck = torch.sigmoid(60 * (0.55 * wide - x.abs())) * torch.sigmoid(60 * y)
    top = 1.25 * high
    edge = (x / (SHOULDERS * wide)) ** 4 + ((y - top - high) / high) ** 4
    body = torch.sigmoid(20 * (1 - edge)).maximum(
        torch.sigmoid(60 * (SHOULDERS * wide - x.abs())) * torch.sigmoid(60 * (y - top - high))
    )
    cloth = draw.uniform(0.03, 0.6, 3).float()[:, None, None]
    skin = 0.75 * drawn.skin.base.float()[:, None, None]  # in the head's shade
    bare = background + (skin - background) * neck
    return bare + (cloth - bare) * body
