"""Which state of the code made a result."""

import os
import platform
import subprocess
from pathlib import Path

from pulsephase import __version__


def revision() -> str:
    """Return the revision of the checkout, or the version where there is none."""
    folder = Path(__file__).resolve().parent
    try:
        found = subprocess.run(
            ["git", "describe", "--always", "--dirty"],
            cwd=folder,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return __version__
    return found.stdout.strip()


def machine() -> str:
    """Return what a time was measured on."""
    return f"{platform.machine()}, {os.cpu_count()} cores"
