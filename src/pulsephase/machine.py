"""The state of the code and the machine that made a result, and the number of threads."""

import os
import platform
import subprocess
from collections.abc import Iterator
from contextlib import _GeneratorContextManager, contextmanager
from pathlib import Path

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
    import torch

    here = f"{platform.machine()}, {os.cpu_count()} cores"
    return f"{here}, {torch.cuda.get_device_name(device)}" if device.startswith("cuda") else here


ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
"""What numpy and torch read when they are loaded, and processes inherit."""


def use_one_thread() -> None:
    """Keep torch and numpy to one thread: in small work a second one only waits.

    Call it before either is loaded: what numpy calls reads its number of threads once.
    """
    os.environ.update(ONE_THREAD)
    import torch

    torch.set_num_threads(1)


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Have torch compute on so many threads for a while, then on as many as before."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def one_thread() -> _GeneratorContextManager[None]:
    """Let torch work on one thread for a while; also a decorator.

    Several threads share a tensor out, and where a share begins and ends torch rounds some
    functions otherwise: what must be equal to the bit on any machine setting is computed in here.
    No generator may be suspended inside, or what its caller does meanwhile is on one thread too.
    """
    return threads(1)
