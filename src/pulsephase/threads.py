"""One thread for what gains nothing from a second one."""

import os

ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
"""What numpy and torch read when they are loaded, and processes inherit."""


def use_one_thread() -> None:
    """Keep torch and numpy to one thread: in small work a second one only waits.

    Call it before either is loaded: what numpy calls reads its number of threads once.
    """
    os.environ.update(ONE_THREAD)
    import torch

    torch.set_num_threads(1)
