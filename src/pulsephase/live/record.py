"""What was read, as a table: one row a sample."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pulsephase.errors import InputError, ParameterError
from pulsephase.files import whole_file
from pulsephase.live.monitor import Reading

COLUMNS = (
    "time_s",
    "face",
    "pulse",
    "heart_rate_bpm",
    "quality",
    "box_x",
    "box_y",
    "box_width",
    "box_height",
)


def check_record(path: Path) -> None:
    """Refuse a name or a folder that cannot take the table, before anything is recorded.

    Raises:
        ParameterError: If the name does not end in .csv.
        InputError: If there is no such folder.
    """
    if path.suffix != ".csv":
        raise ParameterError(f"--record is {path.name!r}; the name must end in .csv")
    if not path.parent.is_dir():
        raise InputError(f"--record: there is no folder {path.parent}; make it first")


class Recorder:
    """Write readings as rows of CSV; an empty field where there is no number."""

    def __init__(self, write: Callable[[str], object]) -> None:
        self._write = write
        write(",".join(COLUMNS) + "\n")

    def add(self, reading: Reading) -> None:
        """Write one reading."""
        rate = reading.rate
        numbers = (reading.pulse, rate.bpm, rate.quality, *(reading.box or (None,) * 4))
        fields = ("" if n is None or n != n else f"{n:.9g}" for n in numbers)
        self._write(f"{reading.time_s:.6f},{reading.face},{','.join(fields)}\n")


@contextmanager
def recorder(path: Path) -> Iterator[Recorder]:
    """Yield a recorder whose file is put in its place when the block ends, else not at all."""
    with whole_file(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        yield Recorder(file.write)
