"""What became of every recording of a data set when it was cached."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

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
