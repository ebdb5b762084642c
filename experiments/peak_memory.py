"""The most memory that this process has had at once."""

import sys

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
