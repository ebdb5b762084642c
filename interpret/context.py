"""What every section of an interpretation is given: a subject, its operating points, a budget.

Expensive things that several sections need are made once, by `Context.once`.

A user's videos become clips of face crops of the length that an interpretation needs.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar, cast

import torch
from jaxtyping import Float
from torch import Tensor

from pulsephase.errors import InputError, ParameterError
from pulsephase.interpret.subject import Subject
from pulsephase.interpret.thresholds import thresholds
from pulsephase.models.classical.colour import mean_colour
from pulsephase.models.classical.pos import pos
from pulsephase.synthetic.config import SynthConfig
from pulsephase.synthetic.presets import preset
from pulsephase.synthetic.render import render_with_maps
from pulsephase.synthetic.seeds import INTERPRET_SEED, INTERPRET_STRIDE
from pulsephase.video.clip import Clip
from pulsephase.video.faces import FaceTracker
from pulsephase.video.pipeline import face_clips
from pulsephase.video.read import read_clips
from pulsephase.vitals.heart_rate import heart_rate

VIDEOS = {".mp4", ".mov", ".avi", ".mkv", ".webm", ".m4v"}


def videos_of(path: Path) -> list[Path]:
    """Return a video, or all videos of a folder by name.

    Raises:
        InputError: If there is no such file, or no video in the folder.
    """
    if not path.is_dir():
        if not path.is_file():
            raise InputError(f"there is no file or folder {path}")
        return [path]
    found = sorted(each for each in path.iterdir() if each.suffix.lower() in VIDEOS)
    if not found:
        raise InputError(f"{path} holds no video ({', '.join(sorted(VIDEOS))})")
    return found


def clips_of(path: Path, *, size: int, sample_hz: float, frames: int) -> Iterator[Clip]:
    """Yield stretches of ``frames`` crops with a face in each, one after the other.

    Args:
        path: Any file that FFmpeg reads.
        size: Pixels along a side of a crop.
        sample_hz: Rate of the crops.
        frames: Crops a clip.

    Raises:
        InputError: If the file cannot be read.
    """
    held: list[Clip] = []
    for piece in face_clips(read_clips(path), faces=FaceTracker(), size=size, sample_hz=sample_hz):
        assert piece.boxes is not None
        for index, missing in enumerate(piece.boxes.isnan().any(1).tolist()):
            if missing:
                held = []
                continue
            held.append(_one(piece, index))
            if len(held) == frames:
                yield _joined(held, source=f"{path.name} at {float(held[0].times_s[0]):.1f} s")
                held = []


def _one(piece: Clip, index: int) -> Clip:
    at = slice(index, index + 1)
    return Clip(frames=piece.frames[at], times_s=piece.times_s[at])


def _joined(pieces: list[Clip], *, source: str) -> Clip:
    return Clip(
        frames=torch.cat([each.frames for each in pieces]),
        times_s=torch.cat([each.times_s for each in pieces]),
        source=source,
    )


PRESET = "full"

Made = TypeVar("Made")


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """How much work an interpretation may do.

    Attributes:
        clips: Synthetic clips that operating points are drawn from.
        frames: Frames a clip.
        times: Output times a clip at which the response is taken.
        draws: Networks with random weights, and kernels of each other null.
        resamples: Bootstrap draws over clips.
        quick: Whether figures that take long are left coarse.
    """

    clips: int
    frames: int
    times: int
    draws: int
    resamples: int
    quick: bool

    def __post_init__(self) -> None:
        for name in ("clips", "frames", "times", "draws"):
            if getattr(self, name) < 1:
                raise ParameterError(f"{name} is {getattr(self, name)}; it must be at least 1")


FULL = Budget(clips=8, frames=288, times=4, draws=99, resamples=500, quick=False)
QUICK = Budget(clips=6, frames=256, times=2, draws=99, resamples=300, quick=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """One interpretation.

    Attributes:
        subject: What is interpreted.
        clips: Crops of the subject's size in 0..1 at its rate; synthetic ones with their truth.
        seed: Of every random draw.
        budget: How much work is allowed.
        synth: What the clips were drawn from, clip i with seed `clip_seed` (seed, i); none for the
            user's clips.
        assume_pulse: Whether every clip counts as one with a pulse.
        left_out: Clips of the user's that were left out, since POS finds no pulse in them.
        progress: Called with the name of what is done and the share of it that is finished.
        made: What `once` has made.
    """

    subject: Subject
    clips: tuple[Clip, ...]
    seed: int = 0
    budget: Budget = FULL
    synth: SynthConfig | None = None
    assume_pulse: bool = False
    left_out: int = 0
    progress: Callable[[str, float], None] = lambda name, share: None
    made: dict[str, Any] = field(default_factory=dict)

    def once(self, name: str, make: Callable[["Context"], Made]) -> Made:
        """Return what ``make`` makes of this context, made at the first call alone."""
        if name not in self.made:
            self.made[name] = make(self)
        return cast(Made, self.made[name])

    @property
    def first_draw(self) -> int:
        """Seed of the first random network or kernel; the next ones follow."""
        return INTERPRET_STRIDE * self.seed

    def frames(self, clip: Clip) -> Float[Tensor, "1 time 3 height width"]:
        """Return a clip's frames as the subject takes them."""
        return clip.frames[None].to(self.subject.device, self.subject.dtype)


def skin_of(clip: Clip) -> Float[Tensor, "time height width"]:
    """Return how much of each pixel is skin; without truth, the middle of the crop.

    The middle is an ellipse with half axes of 0.3 and 0.4 of the crop: skin in any face crop.
    """
    if clip.truth is not None and clip.truth.skin_mask is not None:
        return clip.truth.skin_mask
    time, _, height, width = clip.frames.shape
    down = (torch.arange(height) + 0.5) / height - 0.5
    across = (torch.arange(width) + 0.5) / width - 0.5
    inside = (down[:, None] / 0.4) ** 2 + (across[None] / 0.3) ** 2 <= 1
    return inside.float().expand(time, height, width)


def clip_seed(seed: int, index: int) -> int:
    """Return the generator's seed of a synthetic clip of an interpretation.

    >>> clip_seed(0, 3) - INTERPRET_SEED
    3
    """
    return INTERPRET_SEED + INTERPRET_STRIDE * seed + index


def has_pulse(clip: Clip, *, sample_hz: float) -> bool:
    """Tell whether a clip has a pulse: the truth, or else whether POS finds a rhythm in it.

    What counts is the committed threshold ``presence``; living people are often missed.
    """
    if clip.truth is not None and "has_pulse" in clip.truth.parameters:
        return bool(clip.truth.parameters["has_pulse"])
    return presence(clip, sample_hz=sample_hz) >= thresholds().presence


def presence(clip: Clip, *, sample_hz: float) -> float:
    """Return the quality, 0 to 1, of the rhythm that POS finds in the skin of a clip."""
    colour = mean_colour(clip.frames.double(), weights=skin_of(clip).double())
    wave = pos(colour, sample_hz=sample_hz).numpy()
    return heart_rate(wave, sample_hz=sample_hz, method="pos").quality


def synthetic_context(
    subject: Subject,
    *,
    budget: Budget = FULL,
    seed: int = 0,
    name: str = PRESET,
    progress: Callable[[str, float], None] = lambda name, share: None,
) -> Context:
    """Return a context with clips of the generator, all with a pulse, their truth known.

    Args:
        subject: What is interpreted.
        budget: How many clips, and how long.
        seed: Of the first clip, counted from `INTERPRET_SEED`.
        name: The generator's preset.
        progress: Called while clips are rendered and later by the sections.
    """
    config = replace(
        preset(name),
        size=subject.size,
        sample_hz=subject.sample_hz,
        frames=subject.frames or budget.frames,
        no_pulse_probability=0.0,
    )
    clips = []
    for index in range(budget.clips):
        clips.append(render_with_maps(clip_seed(seed, index), config))
        progress("clips", (index + 1) / budget.clips)
    return Context(
        subject=subject,
        clips=tuple(clips),
        seed=seed,
        budget=budget,
        synth=config,
        progress=progress,
    )


def footage_context(
    subject: Subject,
    paths: Sequence[Path],
    *,
    budget: Budget = FULL,
    seed: int = 0,
    assume_pulse: bool = False,
    progress: Callable[[str, float], None] = lambda name, share: None,
) -> Context:
    """Return a context with the user's clips: faces are tracked, crops brought to the rate.

    Each video gives as many clips as fit in it, stretches without a face are left out, and reading
    ends as soon as ``budget.clips`` are held. Clips in which POS finds no pulse are left out too,
    unless there are no others: then these are shown, and no claim is made.

    Args:
        subject: What is interpreted.
        paths: Videos, in the order in which they are read.
        budget: How many clips, and how long.
        seed: Of the random draws.
        assume_pulse: Take the user's word that whoever is seen has a pulse.
        progress: Called while videos are read and later by the sections.

    Raises:
        InputError: If a file cannot be read, or no video is long enough.
    """
    alive: list[Clip] = []
    silent: list[Clip] = []
    left_out, frames = 0, subject.frames or budget.frames
    cuts = (
        clip
        for path in paths
        for clip in clips_of(path, size=subject.size, sample_hz=subject.sample_hz, frames=frames)
    )
    for clip in cuts:
        if assume_pulse or has_pulse(clip, sample_hz=subject.sample_hz):
            alive.append(clip)
        else:
            left_out += 1
            silent = [*silent, clip][: budget.clips]
        progress("clips", len(alive) / budget.clips)
        if len(alive) == budget.clips:
            break
    if not (alive or silent):
        wanted = frames / subject.sample_hz
        raise InputError(
            f"none of {len(paths)} videos shows a face for {wanted:.1f} s on end; give longer ones"
        )
    return Context(
        subject=subject,
        clips=tuple(alive or silent),
        seed=seed,
        budget=budget,
        assume_pulse=assume_pulse,
        left_out=left_out if alive else 0,
        progress=progress,
    )


def open_context(
    subject: Subject,
    *,
    videos: Sequence[str | Path] = (),
    quick: bool = False,
    clips: int | None = None,
    assume_pulse: bool = False,
    seed: int = 0,
    progress: Callable[[str, float], None] = lambda name, share: None,
) -> Context:
    """Return a context with the user's clips, or with synthetic ones where there are no videos.

    Args:
        subject: What is interpreted.
        videos: Videos, or folders of them; none takes clips of the generator.
        quick: Whether the smaller budget is taken.
        clips: Clips that operating points are drawn from; none is 8, and 6 if ``quick``.
        assume_pulse: Take the user's word that whoever is seen in a video has a pulse.
        seed: Of all draws.
        progress: Called with the name of what is done and the share of it that is finished.

    Raises:
        InputError: If a video cannot be read, or none is long enough.
        ParameterError: If ``clips`` is below 1.
    """
    budget = QUICK if quick else FULL
    if clips is not None:
        budget = replace(budget, clips=clips)
    paths = [path for each in videos for path in videos_of(Path(each))]
    if not paths:
        return synthetic_context(subject, budget=budget, seed=seed, progress=progress)
    return footage_context(
        subject, paths, budget=budget, seed=seed, assume_pulse=assume_pulse, progress=progress
    )
