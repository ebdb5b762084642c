"""Scenes: a head with neck and shoulders in a frame of any size, for the whole pipeline.

The same layers as the crops; the lossy step is a real codec when the scene is written as a video,
so the stand-in for one is left out.

The face is fine enough to be found by a face detector. Besides it a scene shows a wall with things
on it, a neck and shoulders.
"""

from collections.abc import Iterator
from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from pulsephase.errors import ParameterError
from pulsephase.machine import one_thread
from pulsephase.synthetic.camera import gain_of, levels_of, rounded
from pulsephase.synthetic.config import BackgroundRanges, CodecRanges, FaceRanges, SynthConfig
from pulsephase.synthetic.draw import Drawn, draw_clip, usable
from pulsephase.synthetic.face import Face, grid_lines, sample_face, texture, with_worn
from pulsephase.synthetic.limits import LARGEST_SIDE
from pulsephase.synthetic.render import clip_of, parts
from pulsephase.synthetic.shade import Staged, prepare, shade, surroundings
from pulsephase.synthetic.skin import Skin
from pulsephase.synthetic.streams import Stream
from pulsephase.video.clip import Clip

FINE = 192
Map = Float[Tensor, "192 192"]

_LINE = torch.linspace(-1.0, 1.0, FINE, dtype=torch.float64)
X, Y = _LINE[None, :].expand(FINE, FINE), _LINE[:, None].expand(FINE, FINE)


def _spot(x: float, y: float, wide: float, high: float, *, bend: float = 0.0) -> Map:
    """Return a soft ellipse; ``bend`` lifts its middle above its ends."""
    across = (X - x) / wide
    along = (Y - y - bend * across.square()) / high
    return torch.sigmoid(8 * (1 - across.square() - along.square()))


def _pair(x: float, y: float, wide: float, high: float, *, bend: float = 0.0) -> Map:
    return _spot(-x, y, wide, high, bend=bend) + _spot(x, y, wide, high, bend=bend)


def portrait(seed: int, ranges: FaceRanges) -> Face:
    """Draw an identity: shape, hair colour and pulse maps of the crop's face, features of its own.

    Args:
        seed: Of the clip.
        ranges: What may vary; a beard and the spread of the perfusion among it.

    Returns:
        A face whose maps have 192 x 192 points.
    """
    face = sample_face(seed, ranges)
    draw = Stream(seed, "portrait")
    eye_x, eye_y = float(draw.uniform(0.24, 0.29)), float(draw.uniform(-0.14, -0.06))
    lip_y, lip_wide = float(draw.uniform(0.44, 0.50)), float(draw.uniform(0.14, 0.19))
    iris = _pair(eye_x, eye_y, 0.045, 0.048)
    lashes = _pair(eye_x, eye_y - 0.045, 0.115, 0.018, bend=0.03)
    white = (_pair(eye_x, eye_y, 0.10, 0.042) - iris).clamp(min=0)
    lift, thick = float(draw.uniform(0.13, 0.17)), float(draw.uniform(0.016, 0.03))
    brows = _pair(eye_x + 0.01, eye_y - lift, 0.15, thick, bend=0.03)
    lips = _spot(0.0, lip_y, lip_wide, 0.05)
    hair = _hair(draw)
    beard = _beard(draw, ranges.beard_probability, lip_y) * (1 - lips)
    other = (iris + 0.8 * lashes + 0.85 * brows + hair + beard).clamp(0, 1)
    shadow = _shadow(draw, eye_x, eye_y, lip_y, lip_wide) - 0.35 * white
    mottle = texture(draw, 3, FINE, FINE)
    pigment, redness = mottle[:2] * draw.uniform(0.02, 0.08)
    cheeks = _pair(0.36, 0.22, 0.2, 0.2)
    redness = redness + 0.25 * draw.uniform(0.0, 1.0) * cheeks + 0.45 * lips
    albedo = [-0.4 * pigment - 0.12 * redness, -0.8 * pigment - 0.5 * redness]
    albedo.append(-1.2 * pigment - 0.4 * redness)
    perfusion, delay, gloss = _stretched(face.maps[3:6].double()) * torch.stack(
        [(1 - other) * (1 - white), torch.ones_like(X), torch.ones_like(X)]
    )
    bare = (1 - other).clamp(min=0)
    perfusion = perfusion / perfusion.sum() * bare.sum()
    lids = _pair(eye_x, eye_y, 0.12, 0.06).clamp(max=1)
    maps = [*(layer - shadow for layer in albedo), perfusion, delay, gloss, other, lids, lips]
    return face._replace(maps=torch.stack(maps).float())


def _stretched(maps: Float[Tensor, "3 64 64"]) -> Float[Tensor, "3 192 192"]:
    fine: Tensor = functional.interpolate(
        maps[None], (FINE, FINE), mode="bilinear", align_corners=True
    )[0]
    return fine


def _hair(draw: Stream) -> Map:
    """Return the hair: a cap with a fringe, short or long at the sides."""
    line = draw.uniform(0.52, 0.68) - 0.04 * texture(draw, 1, FINE, FINE)[0]
    part, fringe = draw.uniform(-0.5, 0.5), draw.uniform(-0.08, 0.05)
    front = -line + fringe * torch.cos(3 * (X - part))
    low = 0.7 if draw.chance(0.4) else float(draw.uniform(-0.15, 0.15))
    sides = (low - front) * torch.sigmoid(30 * (X.abs() - draw.uniform(0.66, 0.76)))
    return torch.sigmoid(30 * (front + sides - Y))


def _beard(draw: Stream, probability: float, lip_y: float) -> Map:
    """Return stubble or beard along the jaw and above the lips."""
    worn = float(draw.uniform(0.15, 0.8)) * draw.chance(probability)
    jaw = torch.sigmoid(25 * (Y - 0.62 + 0.35 * (X.abs() - 0.2))) * torch.sigmoid(
        20 * (0.85 - X.abs())
    )
    return worn * (jaw + _spot(0.0, lip_y - 0.10, 0.2, 0.035)).clamp(max=1)


def _shadow(draw: Stream, eye_x: float, eye_y: float, lip_y: float, lip_wide: float) -> Map:
    """Return how much darker the relief of the face makes it, as a logarithm."""
    sockets = _pair(eye_x, eye_y - 0.03, 0.19, 0.12) + 0.5 * _spot(0.0, eye_y, 0.2, 0.07)
    flanks = _pair(0.085, 0.1, 0.035, 0.17)
    ridge = _spot(0.0, 0.05, 0.035, 0.2)
    nostrils = _pair(0.045, 0.245, 0.03, 0.018)
    under = _spot(0.0, 0.275, 0.11, 0.03)
    mouth = _spot(0.0, lip_y, lip_wide, 0.012)
    chin = _spot(0.0, lip_y + 0.12, 0.12, 0.035)
    jaw = torch.sigmoid(14 * (Y - 0.86))
    return (
        draw.uniform(0.25, 0.5) * sockets
        + draw.uniform(0.08, 0.2) * flanks
        - 0.12 * ridge
        + 0.9 * nostrils
        + 0.2 * under
        + 0.7 * mouth
        + 0.12 * chin
        + 0.35 * jaw
    )


SHOULDERS = 1.9  # half width of the shoulders over the head's
THINGS = 5  # pictures, shelves and windows on the wall, at most


def wall(
    seed: int, ranges: BackgroundRanges, skin: Skin, *, height: int, width: int
) -> Float[Tensor, "3 height width"]:
    """Paint a wall of one dull colour, or of that of skin, and things of other colours on it."""
    draw = Stream(seed, "background")
    across, down = grid_lines(height, width)
    plain = 0.4 * draw.uniform(*ranges.brightness) * (1 + 0.12 * draw.normal(3))
    fleshy = draw.chance(ranges.skin_probability)
    colour = (skin.base if fleshy else plain.clamp(min=0.02))[:, None, None]
    shade = 1 + draw.uniform(-0.2, 0.2) * across + draw.uniform(-0.2, 0.2) * down[:, None]
    painted = colour * shade * (1 + 0.04 * texture(draw, 3, height, width))
    for _ in range(int(draw.uniform(0.0, THINGS + 1.0))):
        middle, half = draw.uniform(-1.2, 1.2, 2), draw.uniform(0.08, 0.45, 2)
        inside = ((across - middle[0]).abs() < half[0]) & (
            (down[:, None] - middle[1]).abs() < half[1]
        )
        thing = draw.uniform(0.03, 0.7) * (1 + 0.2 * draw.normal(3)).clamp(min=0.2)
        painted = torch.where(inside, thing[:, None, None], painted)
    return painted.clamp(min=0.01).float()


def with_body(
    background: Float[Tensor, "3 height width"],
    seed: int,
    *,
    base: Float[Tensor, " 3"],
    middle: tuple[float, float],
    half: tuple[float, float],
) -> Float[Tensor, "3 height width"]:
    """Paint neck and shoulders, which neither move nor pulse, on the background.

    Args:
        background: What is behind them.
        seed: Of the clip.
        base: Linear colour of the skin.
        middle: Centre of the head, right and down, in half heights.
        half: Half width and half height of the head, in half heights.
    """
    draw = Stream(seed, "body")
    across, down = grid_lines(*background.shape[1:])
    x, y = across[None, :] - middle[0], down[:, None] - middle[1]
    wide, high = half
    neck = torch.sigmoid(60 * (0.58 * wide - x.abs())) * torch.sigmoid(60 * y)
    top = 1.22 * high
    edge = (x / (SHOULDERS * wide)) ** 4 + ((y - top - high) / high) ** 4
    below = torch.sigmoid(60 * (SHOULDERS * wide - x.abs())) * torch.sigmoid(60 * (y - top - high))
    body = torch.sigmoid(20 * (1 - edge)).maximum(below)
    cloth = draw.uniform(0.03, 0.5) * (1 + 0.3 * draw.normal(3)).clamp(min=0.2)
    folds = 1 + 0.08 * texture(draw, 1, *background.shape[1:])
    shaded = 0.75 - 0.35 * torch.sigmoid(20 * (1.15 * high - y))  # under the chin
    bare = background + (base[:, None, None] * shaded - background) * neck
    return (bare + (cloth[:, None, None] * folds - bare) * body).float()


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
