"""Put one recording into the cache, and report on all of them.

An error in one recording is reported and does not stop the others.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from pulsephase.errors import InputError, MissingExtraError, PulsePhaseError
from pulsephase.video.datasets.entry import (
    CacheEntry,
    CacheFull,
    folder_of,
    from_root,
    is_whole,
    read_entry,
    remove,
    write_entry,
)
from pulsephase.video.datasets.recording import Recording
from pulsephase.video.faces import FaceTracker
from pulsephase.video.pipeline import WholeFrame

Outcome = Literal["cached", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What became of one recording.

    Attributes:
        name: Of the recording.
        subject: Who is seen.
        outcome: ``cached``, or ``failed``.
        reason: Why it failed, else empty.
        notes: What was found that was not as it should be, one line each.
        frames: Crops in the cache.
        seconds: Their duration.
        face_share: Share of them with a face.
        pulse_share: Share of them with a known pulse.
        kept: Whether an earlier call had made it. Not part of the file, so that a build that was
            cut off ends in the same bytes.
    """

    name: str
    subject: str
    outcome: Outcome
    reason: str = ""
    notes: tuple[str, ...] = ()
    frames: int = 0
    seconds: float = 0.0
    face_share: float = 0.0
    pulse_share: float = 0.0
    kept: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return it as the report's file holds it."""
        row: dict[str, Any] = asdict(self)
        del row["kept"]
        return row


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What became of all recordings, sorted by name."""

    dataset: str
    recordings: tuple[Fate, ...]

    @property
    def failed(self) -> Mapping[str, str]:
        """The reason for each recording that is not in the cache, by its name."""
        return {fate.name: fate.reason for fate in self.recordings if fate.outcome == "failed"}

    def as_json(self) -> dict[str, Any]:
        """Return it as its file holds it."""
        return {
            "dataset": self.dataset,
            "cached": len(self.recordings) - len(self.failed),
            "failed": len(self.failed),
            "recordings": [fate.as_json() for fate in self.recordings],
        }


FACES = {"track": FaceTracker, "whole": WholeFrame}


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What is done to a recording.

    Attributes:
        root: Folder of the data set.
        clips: Folder of the cache that holds a folder a recording.
        size: Pixels along a side of a crop.
        sample_hz: Rate of the crops.
        faces: Name of the face source.
    """

    root: Path
    clips: Path
    size: int
    sample_hz: float
    faces: str

    def __call__(self, recording: Recording) -> Fate:
        """Cache one recording, unless it is there.

        Raises:
            CacheFull: If the cache cannot be written.
            MissingExtraError: If reading takes what is not installed.
        """
        folder = self.clips / folder_of(recording.name)
        entry = _kept(folder, recording)
        if entry is not None:
            return _cached(entry, kept=True)
        try:
            entry = write_entry(
                recording,
                self.clips,
                root=self.root,
                size=self.size,
                sample_hz=self.sample_hz,
                faces=FACES[self.faces](),
            )
        except (CacheFull, MissingExtraError):
            raise  # none will do better
        except PulsePhaseError as error:
            reason = str(error)
        except Exception as error:  # noqa: BLE001 - whatever it is, the others must not be lost
            reason = f"{type(error).__name__}: {error}"
        else:
            return _cached(entry, kept=False)
        remove(folder)
        return failed(recording, from_root(reason, self.root))


def _kept(folder: Path, recording: Recording) -> CacheEntry | None:
    """Return the entry of an earlier call, if it is whole and of the same source."""
    if not folder.exists():
        return None
    try:
        entry = read_entry(folder)
    except InputError:
        return None
    same = (
        entry.name == recording.name
        and entry.subject == recording.subject
        and dict(entry.attributes) == dict(recording.attributes)
        and entry.source_bytes == recording.bytes_on_disk()
    )
    return entry if same and is_whole(folder, entry) else None


def _cached(entry: CacheEntry, *, kept: bool) -> Fate:
    return Fate(
        name=entry.name,
        subject=entry.subject,
        outcome="cached",
        notes=entry.notes,
        frames=entry.frames,
        seconds=entry.seconds,
        face_share=entry.face_share,
        pulse_share=entry.pulse_share,
        kept=kept,
    )


def failed(recording: Recording, reason: str) -> Fate:
    """Return the fate of a recording that could not be cached."""
    return Fate(name=recording.name, subject=recording.subject, outcome="failed", reason=reason)
