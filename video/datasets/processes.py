"""One piece of work on many recordings, in one process or many; a process that dies is a result.

Processes are spawned, not forked (threads of torch do not survive a fork), and end when the one
that started them does, even if that was killed.
"""

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait
from typing import TypeVar

import cv2
import torch

from pulsephase.machine import ONE_THREAD
from pulsephase.video.datasets.recording import Recording

Found = TypeVar("Found")
DIED = "its process was ended by the system: out of memory?"


def in_processes(
    work: Callable[[Recording], Found],
    recordings: Sequence[Recording],
    *,
    workers: int,
    died: Callable[[Recording, str], Found],
) -> Iterator[Found]:
    """Do the work on every recording; yield what it gives, in no particular order.

    A process that dies takes what was in work with it; each of those is then tried alone, and
    ``died`` is asked for the result of the one that ends its process again. What the work raises
    comes through.

    Args:
        work: What is done; it and its results travel between processes.
        recordings: To what.
        workers: Processes; with 1, this one does the work.
        died: Gives the result of a recording that ends its process, with the reason.
    """
    if workers == 1:
        yield from map(work, recordings)
        return
    left: list[Recording] = []
    for recording, future in _pooled(work, recordings, workers=workers):
        try:
            yield future.result()
        except BrokenProcessPool:
            left.append(recording)
    for recording in left:
        for _, future in _pooled(work, [recording], workers=1):
            try:
                yield future.result()
            except BrokenProcessPool:
                yield died(recording, DIED)


def _pooled(
    work: Callable[[Recording], Found], recordings: Sequence[Recording], *, workers: int
) -> Iterator[tuple[Recording, "Future[Found]"]]:
    os.environ.update(ONE_THREAD)  # inherited: numpy reads it when a process loads it
    pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_alone)
    with pool:
        asked = {pool.submit(work, recording): recording for recording in recordings}
        try:
            for future in as_completed(asked):
                yield asked[future], future
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _alone() -> None:
    """Use one thread, and end with the parent."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)
