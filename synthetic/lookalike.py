"""Look-alikes of public data sets: their layouts, filled with synthetic people.

The licensed sets come only from their authors. A look-alike has the folders, files, words and
clocks of a set, so that whatever reads one can be tried on the other; what is seen in it is
synthetic, and nothing measured on it says anything about the real set.

The conditions of a set's recordings are given in its words and as ranges of the generator.
"""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch

from pulsephase.errors import InputError, ParameterError
from pulsephase.synthetic.config import SynthConfig
from pulsephase.synthetic.draw import Drawn
from pulsephase.synthetic.layouts import (
    Finger,
    check_layout,
    finger_of,
    write_buaa,
    write_mmpd,
    write_pure,
    write_sample,
    write_scamps,
    write_ubfc,
    write_ubfc1,
)
from pulsephase.synthetic.presets import PRESETS
from pulsephase.synthetic.pulse import wave_at
from pulsephase.synthetic.scene import SMALLEST_SIDE, join, scene_clips, stage
from pulsephase.video.clip import Clip

# a calm heart, and a wave whose fundamental leads: contact waves of people at rest
_CALM = replace(
    PRESETS["easy"].pulse,
    respiratory_depth=(0.0, 0.03),
    mayer_depth=(0.0, 0.02),
    drift=0.03,
    reflection=(0.1, 0.3),
    damping=(0.4, 0.8),
)
_EASY = replace(PRESETS["easy"], pulse=_CALM)
_MOVING = replace(_EASY, motion=replace(_EASY.motion, scale=(0.2, 0.4)))
_TALKING = replace(_EASY, motion=replace(_EASY.motion, talking_probability=1.0))
_LIT = replace(PRESETS["light"], pulse=_CALM)


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """What differs between the recordings of one person: its words in the set, and the ranges."""

    words: tuple[str, ...]
    config: SynthConfig = field(default=_EASY)


CONDITIONS = {
    "ubfc": (Condition(words=()),),
    "ubfc1": (Condition(words=()),),
    "pure": (
        Condition(words=("01",)),
        Condition(words=("03",), config=_MOVING),
        Condition(words=("02",), config=_TALKING),
        Condition(words=("05",), config=_MOVING),
    ),
    "mmpd": (
        Condition(words=("LED-low", "Stationary")),
        Condition(words=("Nature", "Watching Videos"), config=_MOVING),
        Condition(words=("Incandescent", "Talking"), config=_TALKING),
        Condition(words=("LED-high", "Rotation"), config=_LIT),
    ),
    "buaa": (
        Condition(words=("10.0",)),
        Condition(words=("1.0",), config=_LIT),
        Condition(words=("100.0",)),
        Condition(words=("39.8",), config=_LIT),
    ),
    "scamps": (Condition(words=()),),
    "samples": (Condition(words=()),),
}
WIDE = ("mmpd",)  # seen in 16:9, stored squeezed
TIMED = ("ubfc", "pure")  # hold the times of frames


LAG_S = 0.1
"""How much later the pulse comes to the finger than to the face, in look-alikes (3 frames)."""
LOW_BPM, HIGH_BPM = 50.0, 100.0
FASTER = 0.12  # heart rates of each further condition, against the one before
JITTER = 0.2  # of a frame, where the set stores times


@dataclass(frozen=True, slots=True, kw_only=True)
class Take:
    """One recording to be made.

    Attributes:
        set: Name of the data set.
        person: Number of the person, from 1 on.
        number: Number of the condition.
        words: Its words in the set.
        seed: Of the scene; one for each person.
        config: What may vary.
        scene: Width and height.
        lag_s: How much later the pulse comes to the finger.
    """

    set: str
    person: int
    number: int
    words: tuple[str, ...]
    seed: int
    config: SynthConfig
    scene: tuple[int, int]
    lag_s: float


def fake(
    name: str,
    out: str | Path,
    *,
    subjects: int = 4,
    seconds: float = 10.0,
    conditions: int = 2,
    scene: tuple[int, int] = (160, 120),
    seed: int = 0,
    lag_s: float = LAG_S,
    advance: Callable[[float], None] = lambda amount: None,
) -> int:
    """Write a small look-alike of a data set; whole or not at all.

    People differ in face, skin, pulse and room; one person's recordings in light, motion and heart
    rate. The same arguments give the same files.

    Args:
        name: Of the data set.
        out: A folder that is not there yet, or empty.
        subjects: People.
        seconds: Length of each recording.
        conditions: Recordings of each person, at most, in sets with several.
        scene: Width and height of the frames as stored.
        seed: Of the first person.
        lag_s: How much later the pulse comes to the finger than to the face.
        advance: Called with 1 after each recording.

    Returns:
        The number of recordings.

    Raises:
        ParameterError: If there is no such set, or a number is too small.
        InputError: If ``out`` is not empty, or cannot be written.
        MissingExtraError: If the set is ``scamps`` and h5py is not installed.
    """
    takes = _takes(
        name,
        subjects=subjects,
        seconds=seconds,
        conditions=conditions,
        scene=scene,
        seed=seed,
        lag_s=lag_s,
    )
    out = Path(out)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"{out} is there and not empty; name a new folder")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}-"))
    except OSError as error:
        raise InputError(f"{out} cannot be made: {error.strerror}; name another folder") from None
    try:
        for take in takes:
            _write(aside, take)
            advance(1)
        aside.chmod(0o755)
        if out.exists():
            out.rmdir()
        aside.rename(out)
    except OSError as error:
        raise InputError(f"{out} cannot be written: {error.strerror or error}") from None
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return len(takes)


def takes_of(name: str, *, subjects: int, conditions: int) -> int:
    """Return how many recordings a look-alike has."""
    return subjects * len(CONDITIONS.get(name, ())[:conditions])


def _takes(
    name: str,
    *,
    subjects: int,
    seconds: float,
    conditions: int,
    scene: tuple[int, int],
    seed: int,
    lag_s: float,
) -> list[Take]:
    if name not in CONDITIONS:
        raise ParameterError(f"no data set {name!r}; there are {', '.join(CONDITIONS)}")
    check_layout(name)
    for key, value, least in (
        ("subjects", subjects, 1),
        ("seconds", seconds, 1.0),
        ("conditions", conditions, 1),
        ("width", scene[0], SMALLEST_SIDE),
        ("height", scene[1], SMALLEST_SIDE),
        ("seed", seed, 0),
        ("lag_s", lag_s, 0.0),
    ):
        if not value >= least:
            raise ParameterError(f"{key} is {value}; it must be at least {least}")
    size = (round(scene[1] * 16 / 9), scene[1]) if name in WIDE else scene
    return [
        Take(
            set=name,
            person=person,
            number=number,
            words=condition.words,
            seed=seed + person,
            config=_config(condition.config, number, seconds, timed=name in TIMED),
            scene=size,
            lag_s=lag_s,
        )
        for person in range(1, subjects + 1)
        for number, condition in enumerate(CONDITIONS[name][:conditions])
    ]


def _config(config: SynthConfig, number: int, seconds: float, *, timed: bool) -> SynthConfig:
    faster = 1 + FASTER * number
    return replace(
        config,
        frames=round(seconds * config.sample_hz),
        pulse=replace(config.pulse, heart_rate_bpm=(LOW_BPM * faster, HIGH_BPM * faster)),
        camera=replace(config.camera, time_jitter=JITTER if timed else 0.0),
    )


def _write(root: Path, take: Take) -> None:
    width, height = take.scene
    drawn = stage(take.seed, take.config, height=height, width=width)
    pieces = scene_clips(take.seed, take.config, width=width, height=height)
    finger = finger_of(
        lambda at_s: wave_at(drawn.pulse, at_s)[0],
        times_s=drawn.times_s.numpy(),
        bpm=drawn.pulse.heart_rate_bpm.numpy().astype(np.float64),
        lag_s=take.lag_s,
    )
    if take.set in ("ubfc", "pure", "scamps"):
        _write_known(root, take, _lagging(pieces, finger), drawn)
    else:
        _write_more(root, take, pieces, finger)


def _lagging(pieces: Iterator[Clip], finger: Finger) -> Iterator[Clip]:
    """Replace the pulse of the face by that of the finger, in the order of the frames."""
    for piece in pieces:
        wave = finger.wave(piece.times_s.numpy())
        yield replace(piece, pulse=torch.from_numpy(wave).float())


def _write_known(root: Path, take: Take, pieces: Iterator[Clip], drawn: Drawn) -> None:
    sample_hz, person = take.config.sample_hz, take.person
    if take.set == "ubfc":
        folder = root / f"subject{person}"
        folder.mkdir()
        write_ubfc(folder, pieces, sample_hz=sample_hz)
    elif take.set == "pure":
        assert drawn.pulse.held is None  # a sampled forcing has no beats to shift
        later = drawn.pulse._replace(beat_times_s=drawn.pulse.beat_times_s + take.lag_s)
        name = f"{person:02d}-{take.words[0]}"
        write_pure(root, pieces, name=name, pulse=later, alive=drawn.alive)
    else:
        write_scamps(
            root / f"P{person:06d}.mat",
            pieces,
            frames=take.config.frames,
            respiration=drawn.pulse.respiration.numpy(),
        )


def _write_more(root: Path, take: Take, pieces: Iterator[Clip], finger: Finger) -> None:
    sample_hz, person = take.config.sample_hz, take.person
    if take.set == "ubfc1":
        folder = root / f"{person}-gt"
        folder.mkdir()
        write_ubfc1(folder, pieces, finger, sample_hz=sample_hz)
    elif take.set == "mmpd":
        folder = root / f"subject{person}"
        folder.mkdir(exist_ok=True)
        light, motion = take.words
        info = {
            "light": light,
            "motion": motion,
            "exercise": "False",
            "skin_color": np.array([[3 + (person - 1) % 4]]),
            "gender": ("male", "female")[person % 2],
            "glasser": "False",
            "hair_cover": "False",
            "makeup": "False",
        }
        write_mmpd(folder / f"p{person}_{take.number}.mat", pieces, finger, info=info)
    elif take.set == "buaa":
        folder = root / f"Sub {person:02d}" / f"lux {take.words[0]}"
        folder.mkdir(parents=True)
        write_buaa(folder, pieces, finger, lux=take.words[0], sample_hz=sample_hz)
    else:
        write_sample(root, join(list(pieces)), finger, number=person)
