"""Scenes: a head with neck and shoulders in a frame of any size, for the whole pipeline.

The same layers as the crops; the lossy step is a real codec when the scene is written as a video,
so the stand-in for one is left out.
"""

from collections.abc import Iterator
from dataclasses import replace

import torch

from pulsephase.errors import ParameterError
from pulsephase.synthetic.camera import gain_of, levels_of, rounded
from pulsephase.synthetic.config import CodecRanges, SynthConfig
from pulsephase.synthetic.draw import Drawn, draw_clip, usable
from pulsephase.synthetic.limits import LARGEST_SIDE
from pulsephase.synthetic.portrait import portrait
from pulsephase.synthetic.render import clip_of, parts
from pulsephase.synthetic.room import wall, with_body
from pulsephase.synthetic.shade import Staged, prepare, shade, surroundings
from pulsephase.synthetic.streams import Stream
from pulsephase.synthetic.worn import with_worn
from pulsephase.threads import one_thread
from pulsephase.video.clip import Clip

FILL = (0.38, 0.52)  # half height of the head over half height of the frame
PIXELS_AT_ONCE = 640_000  # two frames of 640 x 480
SMALLEST_SIDE = 64
MARGIN = 1.2  # beyond the outline, whose softness ends before
BALANCED = 0.8  # how far the camera takes the colour of the lamps away


def scene_clips(
    seed: int,
    config: SynthConfig,
    *,
    width: int = 640,
    height: int = 480,
    device: torch.device | str = "cpu",
    masks: bool = False,
) -> Iterator[Clip]:
    """Render a scene piece by piece, so that memory does not grow with its length.

    Args:
        seed: Of the scene.
        config: What may vary; its ``size`` and the face's ``fill`` are not used.
        width: Pixels across, 64 to 4096.
        height: Pixels down, 64 to 4096.
        device: Where the pixels are worked out and the frames end up; see
            :func:`pulsephase.synthetic.render.render`.
        masks: Whether the truth is to hold the skin mask of each frame, the share in 0..1.

    Yields:
        Consecutive clips of uint8 frames with pulse, face box and truth.

    Raises:
        ParameterError: If the frame is too small or too large, the seed negative, or the device
            unusable.
    """
    check_scene(width, height)
    device = usable(device)
    with one_thread():
        drawn = stage(seed, config, height=height, width=width)
        shooting = _Shooting(drawn, prepare(drawn, device), device)
    for part in parts(config.frames, height * width, at_once=PIXELS_AT_ONCE):
        yield shooting.piece(part, masks=masks)  # outside: the caller has its threads meanwhile


def check_scene(width: int, height: int) -> None:
    """Raise unless a scene can have these sides.

    Raises:
        ParameterError: If one is too small for a face, or too large.
    """
    if min(width, height) < SMALLEST_SIDE or max(width, height) > LARGEST_SIDE:
        raise ParameterError(
            f"scene is {width}x{height}; each side needs at least {SMALLEST_SIDE} px and at most "
            f"{LARGEST_SIDE}"
        )


class _Shooting:
    """A scene half rendered: what its next piece needs of those before.

    Args:
        drawn: The scene.
        staged: The same, ready to be shaded.
        device: Where its pixels are worked out.
    """

    def __init__(self, drawn: Drawn, staged: Staged, device: torch.device) -> None:
        self.drawn, self.staged, self.device = drawn, staged, device
        self.noise, self.dither = (
            Stream(drawn.seed, layer, device=device) for layer in ("noise", "dither")
        )
        self.gain = drawn.camera.fixed_gain
        self.last, self.last_mask = torch.empty(0), torch.empty(0)

    @one_thread()
    def piece(self, part: slice, *, masks: bool) -> Clip:
        """Render the next frames."""
        drawn, camera = self.drawn, self.drawn.camera
        height, width = drawn.background.shape[1:]
        window = around(drawn, part)
        linear = surroundings(self.staged, part)
        linear[:, :, *window], skin = shade(self.staged, part, window)
        mask = torch.empty(0)
        if masks or not self.gain:
            mask = torch.zeros(linear.shape[1], height, width, device=self.device)
            mask[:, *window] = skin
        self.gain = self.gain or gain_of(linear[:, 0], mask[0], camera)
        levels = torch.empty(linear.shape[1], 3, height, width, device=self.device)
        levels_of(linear, camera, part, gain=self.gain, noise=self.noise, out=levels)
        frames = rounded(levels, self.dither).clamp_(0, 255).byte()
        for index, repeated in enumerate(camera.repeated[part].tolist()):
            if repeated:
                frames[index] = self.last
            self.last = frames[index]
            if masks:
                mask[index] = self.last_mask if repeated else mask[index].clamp(0, 1)
                self.last_mask = mask[index]
        clip = clip_of(drawn, frames, part)
        assert clip.truth is not None
        return replace(clip, truth=replace(clip.truth, skin_mask=mask)) if masks else clip


@one_thread()
def stage(seed: int, config: SynthConfig, *, height: int, width: int) -> Drawn:
    """Draw a scene: the layers of a crop, but a finer face, a room, and a balanced camera."""
    ranges = replace(config.face, fill=FILL)
    low, high = config.camera.crosstalk
    camera = replace(config.camera, crosstalk=((low + high) / 2, high))  # dull skins are not real
    bare = replace(config, face=ranges, camera=camera, codec=CodecRanges(probability=0.0))
    drawn = draw_clip(seed, bare, height=height, width=width)
    tint = drawn.light.tracks.mean(2).sum(0)
    tracks = drawn.light.tracks * (tint.mean() / tint)[:, None] ** BALANCED
    face = with_worn(seed, ranges, portrait(seed, ranges))
    background = with_body(
        wall(seed, config.background, drawn.skin, height=height, width=width),
        seed,
        base=drawn.skin.base,
        middle=(float(drawn.motion.pose[3].mean()), float(drawn.motion.pose[4].mean())),
        half=(face.fill * float(face.axes[0]), face.fill * float(face.axes[1])),
    )
    return drawn._replace(
        light=drawn.light._replace(tracks=tracks), face=face, background=background
    )


def around(drawn: Drawn, part: slice) -> tuple[slice, slice]:
    """Return rows and columns that hold the head in all of some frames."""
    height, width = drawn.background.shape[1:]
    right, down, zoom = drawn.motion.pose[3:, part]
    reach = float((drawn.face.fill * zoom.exp()).max() * drawn.face.axes.max()) * MARGIN
    middle = torch.tensor([height / 2, width / 2], dtype=torch.float64)
    places = torch.stack([down, right], 1) * height / 2 + middle
    low = (places.amin(0) - reach * height / 2).floor().long().clamp(min=0).tolist()
    high = (places.amax(0) + reach * height / 2).ceil().long().tolist()
    return slice(low[0], max(high[0], 1)), slice(low[1], max(high[1], 1))


def render_scene(
    seed: int,
    config: SynthConfig,
    *,
    width: int = 640,
    height: int = 480,
    device: torch.device | str = "cpu",
    masks: bool = False,
) -> Clip:
    """Render a scene at once; see :func:`scene_clips`."""
    made = scene_clips(seed, config, width=width, height=height, device=device, masks=masks)
    return join(list(made))


def join(pieces: list[Clip]) -> Clip:
    """Put consecutive synthetic clips together."""
    first = pieces[0]
    assert first.truth is not None
    masks = [piece.truth.skin_mask for piece in pieces if piece.truth is not None]
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
            skin_mask=None
            if first.truth.skin_mask is None
            else torch.cat([mask for mask in masks if mask is not None]),
        ),
    )
