"""What a data set is to the rest: a name, its terms, and a reader of its folder.

A reader lists every recording that the folder seems to hold, whole or not; what is wrong with one
is said when it is read. It never leaves one out in silence.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pulsephase.errors import InputError
from pulsephase.video.clip import Clip
from pulsephase.video.datasets.recording import Label, Recording, Say
from pulsephase.video.datasets.splits import natural, split_names

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

    @property
    def splits(self) -> tuple[str, ...]:
        """The names of the splits that come with it."""
        return split_names(self.name)

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
    """Return the folders in a folder, sorted, those that systems hide left out."""
    return [path for path in entries_of(root) if path.is_dir()]


def absent(name: str, subject: str, folder: Path, why: str) -> Recording:
    """Return a recording that should be there and is not: reading it says why."""
    return Recording(
        name=name,
        subject=subject,
        attributes={},
        files=(),
        read_frames=partial(_no_frames, f"{folder} {why}"),
        read_label=partial(_refuse, f"{folder} {why}"),
    )


def _refuse(why: str) -> Label:
    raise InputError(f"{why}; download it again")


def _no_frames(why: str, say: Say) -> Iterator[Clip]:
    yield from ()
    raise InputError(f"{why}; download it again")


def require(path: Path, what: str) -> Path:
    """Return a file that must be there.

    Raises:
        InputError: If it is missing, or empty.
    """
    if not path.is_file():
        beside = sorted(entry.name for entry in entries_of(path.parent))[:SHOWN]
        raise InputError(
            f"{what} {path} is missing (its folder holds {', '.join(beside) or 'nothing'}); "
            "download it again"
        )
    if path.stat().st_size == 0:
        raise InputError(f"{what} {path} is empty (0 bytes); download it again")
    return path


def entries_of(folder: Path) -> list[Path]:
    """Return what a folder holds, sorted, hidden entries left out; nothing if there is none."""
    if not folder.is_dir():
        return []
    return [path for path in sorted(folder.iterdir()) if path.name[0] not in "._"]


def only(folder: Path, ending: str, what: str) -> Path:
    """Return the one file of a folder with an ending.

    Raises:
        InputError: If there is none, or more than one, or it is empty.
    """
    found = [path for path in entries_of(folder) if path.suffix.lower() == ending]
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        raise InputError(f"{folder} holds several {what} files ({names}); remove all but one")
    return require(found[0] if found else folder / f"*{ending}", what)
