"""A data set as face crops on an even grid: built once, in parallel, read by mapping the disk.

The folder holds ``cache.json`` (what was asked), ``clips/`` (a folder a recording, see
:mod:`~pulsephase.video.datasets.entry`) and, once a build has come to its end, ``report.json``
(the fate of every recording). A killed build loses the recordings in work; the next call goes on
and ends in the same bytes.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pulsephase.errors import InputError, ParameterError
from pulsephase.files import locked, read_json, write_json
from pulsephase.video.crops import MARGIN
from pulsephase.video.datasets.entry import (
    CachedClip,
    CacheEntry,
    CacheFull,
    folder_of,
    is_whole,
    read_clip,
    read_entry,
    remove,
)
from pulsephase.video.datasets.layout import DataSet
from pulsephase.video.datasets.processes import in_processes
from pulsephase.video.datasets.recording import Recording
from pulsephase.video.datasets.splits import select
from pulsephase.video.datasets.work import FACES, Fate, Report, Work, failed

REQUEST, REPORT, CLIPS = "cache.json", "report.json", "clips"
FORMAT = 1


class Cache:
    """A finished cache; opening it reads no frames.

    Args:
        folder: Where :func:`build_cache` put it.

    Attributes:
        folder: The folder.
        dataset: Name of the data set.
        size: Pixels along a side of the crops.
        sample_hz: Rate of the crops.
        entries: The recordings, sorted by name.
        failed: The recordings that could not be cached, with the reason.

    Raises:
        InputError: If the folder holds no cache, or one that is not finished or damaged.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        request = _request(self.folder)
        self.dataset: str = request["dataset"]
        self.size: int = request["size"]
        self.sample_hz: float = request["sample_hz"]
        try:
            fates = read_json(self.folder / REPORT)["recordings"]
        except FileNotFoundError:
            raise InputError(
                f"the cache in {self.folder} is not finished; build it again, what is there is kept"
            ) from None
        except (OSError, ValueError, KeyError) as error:
            raise InputError(f"{self.folder / REPORT} is damaged ({error}); build again") from None
        good = [fate["name"] for fate in fates if fate["outcome"] == "cached"]
        self.entries: tuple[CacheEntry, ...] = tuple(map(self._entry, good))
        self.failed: dict[str, str] = {
            fate["name"]: fate["reason"] for fate in fates if fate["outcome"] != "cached"
        }

    def read(self, name: str) -> CachedClip:
        """Read one recording, its frames mapped from the disk.

        Raises:
            InputError: If there is none of that name, or it is damaged.
        """
        for entry in self.entries:
            if entry.name == name:
                folder = self.folder / CLIPS / folder_of(name)
                return read_clip(folder, entry, sample_hz=self.sample_hz)
        why = self.failed.get(name, "no such recording")
        raise InputError(f"the cache in {self.folder} holds no {name!r}: {why}")

    def check(self) -> None:
        """Compare every array with its checksum.

        Raises:
            InputError: If one differs.
        """
        for entry in self.entries:
            folder = self.folder / CLIPS / folder_of(entry.name)
            if not is_whole(folder, entry):
                raise InputError(f"{folder} is not what was written; build the cache again")

    def _entry(self, name: str) -> CacheEntry:
        return read_entry(self.folder / CLIPS / folder_of(name))


def build_cache(
    root: str | Path,
    *,
    dataset: DataSet,
    out: str | Path,
    size: int,
    sample_hz: float = 30.0,
    workers: int = 1,
    faces: str = "track",
    where: Sequence[str] = (),
    advance: Callable[[float], None] = lambda amount: None,
) -> Report:
    """Crop the recordings of a data set into a cache, or go on where an earlier call stopped.

    A recording that cannot be read is reported and the others are cached. One that is there whole,
    by its checksums and the size of its source, is kept.

    Args:
        root: The data set as its authors give it.
        dataset: Its reader.
        out: Folder of the cache; made if need be.
        size: Pixels along a side of the crops.
        sample_hz: Rate of the crops.
        workers: Processes; with 1, this one does the work.
        faces: ``track`` to find and follow the face, ``whole`` for frames that are faces already.
        where: Conditions on recordings, such as ``light=LED-low`` or ``lux>=10``; see
            :func:`~pulsephase.video.datasets.splits.select`.
        advance: Called with 1 after each recording.

    Returns:
        The fate of every recording.

    Raises:
        InputError: If the root is not such a data set, the folder holds another cache or something
            else, or it cannot be written (finished recordings are kept).
        MissingExtraError: If reading the set takes what is not installed.
        ParameterError: If a number is not positive, there is no such face source, or a condition
            names no attribute.
    """
    _check(size=size, sample_hz=sample_hz, workers=workers, faces=faces)
    recordings = select(dataset.find(Path(root)), where)
    out = Path(out)
    request = {
        "format": FORMAT,
        "dataset": dataset.name,
        "size": size,
        "sample_hz": float(sample_hz),
        "faces": faces,
        "margin": MARGIN,
        "where": list(where),
    }
    try:
        out.mkdir(parents=True, exist_ok=True)
        _refuse_others(out, request)  # nothing is written into a folder of others, no lock either
        with locked(out):
            return _built(root, dataset, out, request, recordings, workers, advance)
    except CacheFull as error:
        raise InputError(f"{error.strerror}; finished recordings are kept") from None
    except OSError as error:
        raise InputError(f"{out} cannot be written: {error.strerror or error}") from None


def _built(
    root: str | Path,
    dataset: DataSet,
    out: Path,
    request: dict[str, Any],
    recordings: Sequence[Recording],
    workers: int,
    advance: Callable[[float], None],
) -> Report:
    _begin(out, request)
    work = Work(
        root=Path(root),
        clips=out / CLIPS,
        size=request["size"],
        sample_hz=request["sample_hz"],
        faces=request["faces"],
    )
    fates: dict[str, Fate] = {}
    for fate in in_processes(work, recordings, workers=workers, died=failed):
        fates[fate.name] = fate
        advance(1)
    report = Report(dataset=dataset.name, recordings=tuple(fates[name] for name in sorted(fates)))
    _drop_others(out / CLIPS, report)
    write_json(out / REPORT, report.as_json())
    return report


def _check(*, size: int, sample_hz: float, workers: int, faces: str) -> None:
    for name, value in (("size", size), ("sample_hz", sample_hz), ("workers", workers)):
        if not value > 0:
            raise ParameterError(f"{name} is {value}; it must be positive")
    if faces not in FACES:
        raise ParameterError(f"faces is {faces!r}; there are {', '.join(FACES)}")


def _refuse_others(out: Path, request: dict[str, Any]) -> None:
    """Raise unless the folder is empty or holds this very cache."""
    if (out / REQUEST).exists():
        before = _request(out)
        other = [
            f"{key} {before.get(key)!r}, not {value!r}"
            for key, value in request.items()
            if before.get(key) != value
        ]
        if other:
            raise InputError(f"{out} holds another cache ({'; '.join(other)}); name another folder")
    elif any(entry.name[0] != "." for entry in out.iterdir()):
        raise InputError(f"{out} is not empty and holds no {REQUEST}; name an empty folder")


def _begin(out: Path, request: dict[str, Any]) -> None:
    """Make the folder, or check that it is one of ours; no report says that work goes on."""
    _refuse_others(out, request)
    if not (out / REQUEST).exists():
        write_json(out / REQUEST, request)
    (out / REPORT).unlink(missing_ok=True)
    (out / CLIPS).mkdir(exist_ok=True)
    for leftover in (*out.glob(".*-*.json"), *(out / CLIPS).glob(".*")):  # of nobody: we hold it
        remove(leftover)


def _request(folder: Path) -> dict[str, Any]:
    path = folder / REQUEST
    try:
        request: dict[str, Any] = read_json(path)
        version = request["format"]
    except FileNotFoundError:
        raise InputError(f"{folder} holds no cache (no {REQUEST}); build one") from None
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise InputError(f"{path} is damaged ({error}); remove the folder, build again") from None
    if version != FORMAT:
        raise InputError(f"{path} has format {version}; this version reads {FORMAT}: build again")
    return request


def _drop_others(clips: Path, report: Report) -> None:
    """Remove what belongs to no recording of the set as it is now."""
    good = {folder_of(fate.name) for fate in report.recordings if fate.outcome == "cached"}
    for folder in clips.iterdir():
        if folder.name not in good:
            remove(folder)
