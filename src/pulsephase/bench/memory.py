"""The most memory that this process has had at once, ever or during some work."""

import ctypes
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

UNITS_A_MB = 1024**2 if sys.platform == "darwin" else 1024  # macOS counts bytes, Linux kilobytes


def peak_memory_mb() -> float:
    """Return it in MB; NaN where the system does not tell.

    Example:
        >>> before = peak_memory_mb()
        >>> held = bytearray(200_000_000)
        >>> not peak_memory_mb() < before
        True
    """
    if resource is None:
        return float("nan")
    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) / UNITS_A_MB


STATM = Path("/proc/self/statm")  # Linux: pages in memory now
EVERY_S = 0.001


class Growth:
    """What work took beyond what was in memory before it.

    Attributes:
        mb: In MB; known when the work has ended.
    """

    mb: float = float("nan")


@contextmanager
def growth() -> Iterator[Growth]:
    """Watch the memory of this process while work goes on, by looking each millisecond.

    The peak that the system keeps (:func:`peak_memory_mb`) is no measure of work that stays below
    what the imports once took. What the allocator holds but nobody uses is given back first, or
    work that fits into it would seem to take none. Where the system does not tell what is in
    memory now, the growth of that peak stands in, and is too small.

    Example:
        >>> with growth() as grown:
        ...     held = bytearray(50_000_000)
        >>> not grown.mb < 40
        True
    """
    _give_back()
    found, before, seen = Growth(), _now_mb(), [_now_mb()]
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(EVERY_S):
            seen.append(_now_mb())

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield found
    finally:
        seen.append(_now_mb())
        ended.set()
        watcher.join()
        found.mb = max(seen) - before


def _now_mb() -> float:
    if resource is None or not STATM.exists():
        return peak_memory_mb()
    pages = int(STATM.read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 1024**2


def _give_back() -> None:
    """Return free memory of the heap to the system, where its library can (glibc)."""
    try:
        ctypes.CDLL("libc.so.6").malloc_trim(0)
    except (OSError, AttributeError):
        return
