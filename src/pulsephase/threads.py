"""One thread for what gains nothing from a second one, or must not depend on their number."""

import os
from collections.abc import Iterator
from contextlib import _GeneratorContextManager, contextmanager

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
