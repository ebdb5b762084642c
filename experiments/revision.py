"""Which state of the code made a result."""

import os
import platform
import subprocess
from pathlib import Path

import torch

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


def machine(device: str = "cpu") -> str:
    """Return what a time was measured on."""
    here = f"{platform.machine()}, {os.cpu_count()} cores"
    return f"{here}, {torch.cuda.get_device_name(device)}" if device.startswith("cuda") else here
