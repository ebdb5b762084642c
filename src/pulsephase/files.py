"""Write a file whole or not at all."""

import json
import os
import re
import socket
import tempfile
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pulsephase.errors import InputError
from pulsephase.text import shown

LONGEST = 100
"""Characters of a file's name that its temporary one repeats: a name may have 255 bytes."""
HERE = f"{zlib.crc32(socket.gethostname().encode()):08x}"
"""This machine, in the names of temporary files: elsewhere the number of a process says nothing."""
OWNED = re.compile(r"\..*-([0-9a-f]{8})-(\d+)-.*", re.DOTALL)
LOCK, OWNER = ".lock", ".owner.json"
UMASK = os.umask(0o077)
os.umask(UMASK)  # there is no other way to ask


@contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``, renamed to it when the block ends well.

    If the block raises, nothing is left and an older file stays as it was. The new file has the
    mode of an older one, else that of any new file.
    """
    path = Path(path)
    temporary: Path | None = None
    try:
        sweep(path.parent)
        handle, name = tempfile.mkstemp(
            dir=path.parent,
            prefix=f".{path.stem[:LONGEST]}-{HERE}-{os.getpid()}-",
            suffix=path.suffix,
        )
        os.close(handle)
        temporary = Path(name)
        yield temporary
        temporary.chmod(path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~UMASK)
        temporary.replace(path)
    except BaseException as error:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and _of(error, path, temporary):
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise


def sweep(folder: Path) -> None:
    """Remove the temporary files of processes that ended without doing so, once a process."""
    if folder in _swept or os.name != "posix":
        return
    _swept.add(folder)
    for path in folder.glob(".*"):
        owner = OWNED.fullmatch(path.name)
        if owner and owner[1] == HERE and not _alive(int(owner[2])) and path.is_file():
            path.unlink(missing_ok=True)


_swept: set[Path] = set()


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep a folder to this process while it writes there; the lock ends with the process.

    Raises:
        InputError: If another process writes there; says which, where and since when.
    """
    from filelock import FileLock, Timeout

    owner = folder / OWNER
    try:
        with FileLock(folder / LOCK, timeout=0):
            write_json(
                owner,
                {
                    "process": os.getpid(),
                    "machine": socket.gethostname(),
                    "since": time.strftime("%Y-%m-%d %H:%M:%S"),
                },
            )
            try:
                yield
            finally:
                owner.unlink(missing_ok=True)
    except Timeout:
        raise InputError(
            f"{folder} is in use by {_told(owner)}; wait until it ends, or name another folder"
        ) from None


def _told(owner: Path) -> str:
    try:
        held = read_json(owner)
        return f"process {held['process']} on {held['machine']} since {held['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"


def _of(error: OSError, path: Path, temporary: Path | None) -> bool:
    """Tell whether an error is of the temporary file, whose name says nothing to anybody."""
    if error.strerror is None or temporary is None:
        return error.strerror is not None
    return error.filename is None or str(error.filename) == str(temporary)


def write_page(path: str | Path, text: str) -> None:
    """Write a page whole or not at all; what no UTF-8 can hold is replaced."""
    with whole_file(path) as temporary:
        temporary.write_text(shown(text), encoding="utf-8")


def write_json(path: str | Path, value: object) -> None:
    """Write JSON, indented; refuses NaN."""
    with whole_file(path) as temporary:
        temporary.write_text(json.dumps(value, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def parse_json(text: str) -> Any:
    """Read JSON of unknown origin.

    Raises:
        ValueError: If it is none, nested without end included.
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def read_json(path: Path) -> Any:
    """Read a JSON file of unknown origin.

    Raises:
        OSError: If it cannot be read.
        ValueError: If it is no JSON in UTF-8, nested without end included.
    """
    return parse_json(path.read_text(encoding="utf-8"))
