"""Run tasks in forked copies of this process, a few at a time, each with a limit.

A fork starts with everything that is already imported, in milliseconds, and cannot harm its parent.
"""

import json
import os
import resource
import signal
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

MEMORY_BYTES = 12 * 2**30
POLL_S = 0.002


def in_forks(
    tasks: Sequence[Callable[[], Any]], *, workers: int, wall_s: int
) -> Iterator[tuple[int, Any]]:
    """Run each task in a fork of its own; yield its number and what it returned, as they end.

    Other children of this process are left to whoever started them, and no fork outlives the call.

    Args:
        tasks: Functions whose result is plain JSON and not none.
        workers: How many run at once.
        wall_s: Seconds after which a fork is stopped.

    Yields:
        The number of the task and its result; none where the fork was stopped by a limit.

    Raises:
        RuntimeError: If a task raised: that is a fault of the task, not a result.
    """
    running: dict[int, int] = {}
    waiting = list(enumerate(tasks))[::-1]
    with tempfile.TemporaryDirectory() as folder:
        try:
            while waiting or running:
                while waiting and len(running) < workers:
                    index, task = waiting.pop()
                    running[_start(task, Path(folder) / str(index), wall_s)] = index
                child, status = _next_to_end(running)
                index = running.pop(child)
                result = Path(folder) / str(index)
                if os.waitstatus_to_exitcode(status) > 0:
                    raise RuntimeError(f"task {index}: {result.read_text(encoding='utf-8')}")
                stopped = os.WIFSIGNALED(status)
                yield index, None if stopped else json.loads(result.read_text(encoding="utf-8"))
        finally:
            for child in running:
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)


def _next_to_end(children: Iterable[int]) -> tuple[int, int]:
    """Wait until one of these children ends; return it and its wait status."""
    while True:
        for child in children:
            ended, status = os.waitpid(child, os.WNOHANG)
            if ended:
                return ended, status
        time.sleep(POLL_S)


def _start(task: Callable[[], Any], result: Path, wall_s: int) -> int:
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(wall_s)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        result.write_text(json.dumps(task()), encoding="utf-8")
        code = 0
    except BaseException as error:  # noqa: BLE001 - nothing may leave the fork but by its exit code
        result.write_text(repr(error), encoding="utf-8")
    finally:
        os._exit(code)
