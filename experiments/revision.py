"""Which state of the code made a result."""

import os
import platform
import subprocess
from pathlib import Path

import torch

from pulsephase import __version__

HERE = Path(__file__).resolve().parent
RESULTS = ":(top,exclude)experiments/results"  # what is being made does not soil its maker


def revision(folder: Path = HERE) -> str:
    """Return the revision of the checkout, or the version where there is none.

    It ends in ``-dirty`` where a tracked file is not as committed, results apart.

    Args:
        folder: In the checkout.
    """

    def git(*words: str) -> str:
        call = ["git", *words]
        done = subprocess.run(call, cwd=folder, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    try:
        commit = git("describe", "--always")
        changed = git("status", "--porcelain", "--untracked-files=no", "--", ":(top)", RESULTS)
    except (OSError, subprocess.CalledProcessError):
        return __version__
    return f"{commit}-dirty" if changed else commit


def machine(device: str = "cpu") -> str:
    """Return what a time was measured on."""
    here = f"{platform.machine()}, {os.cpu_count()} cores"
    return f"{here}, {torch.cuda.get_device_name(device)}" if device.startswith("cuda") else here
