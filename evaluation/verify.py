"""Is a data set whole, and do its labels make sense? Looked at before anything is trained on it.

A recording is read as it would be cached, its label as it would be scored: what is missing, cut
off, short, without a face, out of step or contradictory is named. Nothing is changed.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pulsephase.errors import MissingExtraError, PulsePhaseError
from pulsephase.evaluation.label_checks import (
    SAMPLE_HZ,
    Facts,
    Problem,
    Seen,
    apart,
    label_facts,
    label_problems,
    lag_of,
    video_problems,
)
from pulsephase.models.classical import mean_colour
from pulsephase.video.clip import Clip
from pulsephase.video.datasets.entry import from_root
from pulsephase.video.datasets.layout import DataSet
from pulsephase.video.datasets.processes import in_processes
from pulsephase.video.datasets.recording import Recording
from pulsephase.video.datasets.splits import select
from pulsephase.video.faces import FaceTracker
from pulsephase.video.pipeline import face_clips

SIZE = 36
LEAST_S = 10.0
"""A recording should hold one window of a heart rate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What was found in one recording; numbers are none where there was nothing to measure.

    Attributes:
        name: Of the recording.
        subject: Who is seen.
        problems: What is wrong.
        notes: What was not as documented, but could be dealt with.
        frames: Decoded.
        seconds: Length of the video, to the end of its last frame.
        face_share: Share of time with a face.
        label_seconds: Length of the label.
        label_hz: Its rate.
        timing: How it was placed on the video's clock.
        wave_bpm: Heart rate of its wave.
        device_bpm: Mean of what the device displayed.
        lag_s: How much later the label's pulse comes than the one in the video, by POS.
        lag_correlation: How well the two then agree.
    """

    name: str
    subject: str
    problems: tuple[Problem, ...]
    notes: tuple[str, ...] = ()
    frames: int | None = None
    seconds: float | None = None
    face_share: float | None = None
    label_seconds: float | None = None
    label_hz: float | None = None
    timing: str | None = None
    wave_bpm: float | None = None
    device_bpm: float | None = None
    lag_s: float | None = None
    lag_correlation: float | None = None


def verify(
    root: str | Path,
    *,
    dataset: DataSet,
    where: Sequence[str] = (),
    least_s: float = LEAST_S,
    workers: int = 1,
    advance: Callable[[float], None] = lambda amount: None,
) -> list[Check]:
    """Look at every recording of a data set.

    Args:
        root: The data set as its authors give it.
        dataset: Its reader.
        where: Conditions on recordings.
        least_s: A shorter recording is a problem.
        workers: Processes.
        advance: Called with 1 after each recording.

    Returns:
        What was found, in the order of the set.

    Raises:
        InputError: If the root is not such a data set.
        MissingExtraError: If reading the set takes what is not installed.
        ParameterError: If a condition names no attribute.
    """
    recordings = select(dataset.find(root), where)
    look = Look(root=Path(root), least_s=least_s)
    found: dict[str, Check] = {}
    for check in in_processes(look, recordings, workers=workers, died=_dead):
        found[check.name] = check
        advance(1)
    return [found[recording.name] for recording in recordings]


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One look at a recording.

    Attributes:
        root: The data set; messages name files from there on.
        least_s: A shorter recording is a problem.
    """

    root: Path
    least_s: float

    def __call__(self, recording: Recording) -> Check:
        """Read label and video, and say what is wrong with either."""
        problems: list[Problem] = []
        notes: list[str] = []
        facts: Facts = {}
        label = seen = None
        try:
            label = recording.label()
            notes += label.notes
            facts |= label_facts(label)
            problems += label_problems(label, facts)
        except MissingExtraError:
            raise  # of this system, not of the set
        except Exception as error:  # noqa: BLE001 - a reader's fault is the recording's finding
            problems.append(_reading(recording, error))
        try:
            seen = _see(recording, notes)
            facts |= seen.facts()
            problems += video_problems(seen, least_s=self.least_s)
        except Exception as error:  # noqa: BLE001 - likewise
            problems.append(_reading(recording, error))
        if label is not None and seen is not None:
            problems += apart(label, seen)
            lag = lag_of(label, seen)
            if lag is not None:
                facts |= {"lag_s": lag[0], "lag_correlation": lag[1]}
                problems += lag[2]
        return Check(
            name=recording.name,
            subject=recording.subject,
            problems=tuple(
                Problem(kind=problem.kind, text=from_root(problem.text, self.root))
                for problem in problems
            ),
            notes=tuple(from_root(note, self.root) for note in notes),
            **facts,  # type: ignore[arg-type]  # each of its own type
        )


def _see(recording: Recording, notes: list[str]) -> Seen:
    count, first_s, last_s = 0, 0.0, 0.0

    def counted() -> Iterator[Clip]:
        nonlocal count, first_s, last_s
        for clip in recording.clips(say=notes.append):
            first_s = float(clip.times_s[0]) if count == 0 else first_s
            last_s = float(clip.times_s[-1])
            count += len(clip)
            yield clip

    times, colours = [], []
    for crops in face_clips(counted(), faces=FaceTracker(), size=SIZE, sample_hz=SAMPLE_HZ):
        assert crops.boxes is not None
        colour = mean_colour(crops.frames).double().numpy()
        colour[np.isnan(crops.boxes.numpy()).any(1)] = np.nan
        times.append(crops.times_s.numpy())
        colours.append(colour)
    return Seen(
        frames=count,
        start_s=first_s,
        end_s=last_s,
        times_s=np.concatenate(times),
        colour=np.concatenate(colours),
    )


def _reading(recording: Recording, error: Exception) -> Problem:
    gone = not recording.files or not all(path.exists() for path in recording.files)
    text = str(error) if isinstance(error, PulsePhaseError) else f"{type(error).__name__}: {error}"
    return Problem(kind="missing" if gone else "unreadable", text=text)


def _dead(recording: Recording, reason: str) -> Check:
    problem = Problem(kind="unreadable", text=reason)
    return Check(name=recording.name, subject=recording.subject, problems=(problem,))
