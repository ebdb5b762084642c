"""What a data set is to the rest: a name, its terms, and a reader of its folder.

A reader lists every recording that the folder seems to hold, whole or not; what is wrong with one
is said when it is read. It never leaves one out in silence.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pulsephase.errors import InputError
from pulsephase.video.datasets.recording import Recording

SHOWN = 5
"""Most entries of a folder that a message names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSet:
    """A public data set.

    Attributes:
        name: As commands take it.
        title: As its authors call it.
        source: Who made it, where it was published, and who gives it away.
        expects: What the folder holds, for messages.
        assumptions: What its reader takes for granted though no source says so.
        read: Lists the recordings of a folder; see :meth:`find`.
    """

    name: str
    title: str
    source: str
    expects: str
    assumptions: tuple[str, ...]
    read: Callable[[Path], list[Recording]]

    def find(self, root: str | Path) -> list[Recording]:
        """List the recordings of a folder in their natural order, without reading frames.

        Args:
            root: The data set as its authors give it.

        Raises:
            InputError: If there is no such folder, or it holds nothing of this layout.
        """
        root = Path(root)
        if not root.exists():
            raise InputError(f"{root} does not exist; give the folder of {self.title}")
        if not root.is_dir():
            raise InputError(f"{root} is a file; give the folder of {self.title}, unpacked")
        found = self.read(root)
        if not found:
            raise InputError(f"{root} is no {self.title}: {self._instead(root)}")
        names = [recording.name for recording in found]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise InputError(f"{root} holds {', '.join(twice)} twice; remove one of them")
        return sorted(found, key=lambda recording: natural(recording.name))

    def _instead(self, root: Path) -> str:
        expected = f"it should hold {self.expects}"
        for inner in folders(root):
            if self.read(inner):
                return f"{expected}; {inner} does, give that"
        if self.read(root.parent):
            return f"{expected}; {root.parent} does, give that"
        entries = sorted(entry.name for entry in root.iterdir())
        seen = ", ".join(entries[:SHOWN]) + (", ..." if len(entries) > SHOWN else "")
        return f"{expected}, it holds {seen or 'nothing'}"


def folders(root: Path) -> list[Path]:
    """Return the folders in a folder, those that systems hide left out."""
    return [path for path in sorted(root.iterdir()) if path.is_dir() and path.name[0] not in "._"]


def natural(name: str) -> tuple[tuple[int, int, str], ...]:
    """Return a key that sorts by the numbers in a name: subject2 before subject10.

    >>> sorted(["subject10", "subject2", "Sub 1/lux 10.0", "Sub 1/lux 6.3"], key=natural)
    ['Sub 1/lux 6.3', 'Sub 1/lux 10.0', 'subject2', 'subject10']
    """
    parts: list[tuple[int, int, str]] = []
    digits = ""
    for letter in f"{name}\0":
        if letter.isdigit():
            digits += letter
            continue
        if digits:
            parts.append((0, int(digits), digits))
            digits = ""
        parts.append((1, 0, letter))
    return tuple(parts)


def in_order(names: Iterable[str]) -> list[str]:
    """Return names without repeats, by the numbers in them."""
    return sorted(set(names), key=natural)


def require(path: Path, what: str, *, among: Sequence[Path] = ()) -> Path:
    """Return a file that must be there.

    Raises:
        InputError: If it is missing, or empty.
    """
    if not path.is_file():
        beside = sorted(entry.name for entry in (among or folder_entries(path.parent)))[:SHOWN]
        raise InputError(
            f"{what} {path} is missing (there {'is' if len(beside) == 1 else 'are'} "
            f"{', '.join(beside) or 'no files'}); download it again"
        )
    if path.stat().st_size == 0:
        raise InputError(f"{what} {path} is empty (0 bytes); download it again")
    return path


def folder_entries(folder: Path) -> list[Path]:
    """Return what a folder holds; nothing if there is none."""
    return list(folder.iterdir()) if folder.is_dir() else []
