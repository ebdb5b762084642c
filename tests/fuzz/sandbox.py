"""One case: a command line in a process of its own, with limits of time and memory.

The process is forked from one that has the package loaded, so that a case takes no longer than its
work. Time is that of the processor: a busy machine makes no case a hang.
"""

import os
import resource
import signal
import sys
import time
import traceback
from dataclasses import dataclass
from pathlib import Path

SECONDS, BYTES = 20, 2 * 1024**3
PATIENCE = 15  # of the wall clock over the processor's
ALLOWED = (0, 1, 2, 130, 143)
TRACEBACK, HANG, MEMORY = 99, 98, 97
POLL_S = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a case ended.

    Attributes:
        code: Exit code; 97 to 99 and -signal are faults.
        said: What it wrote to both streams.
        seconds: Of the processor.
        megabytes: Most that it held beyond what it began with.
    """

    code: int
    said: str
    seconds: float
    megabytes: float

    @property
    def fault(self) -> str | None:
        """What is wrong with it, or nothing."""
        known = {TRACEBACK: "a traceback", HANG: "a hang", MEMORY: "memory"}
        if self.code in known:
            return known[self.code]
        if self.code not in ALLOWED:
            return f"exit code {self.code}"
        return "a traceback" if "Traceback (most recent" in self.said else None


def run(words: list[str], *, log: Path, seconds: int = SECONDS) -> Outcome:
    """Run ``pulsephase WORDS`` and return how it ended."""
    child = os.fork()
    if child == 0:
        _child(words, log, seconds)
    begin_s, most, status, usage = time.monotonic(), 0.0, 0, None
    first = _held(child)
    code = None
    while True:
        ended, status, usage = os.wait4(child, os.WNOHANG)
        if ended:
            break
        most = max(most, _held(child) - first)
        if code is None and most > BYTES:
            code = MEMORY
        if code is None and time.monotonic() - begin_s > PATIENCE * seconds:
            code = HANG
        if code is not None:
            os.kill(child, signal.SIGKILL)
        time.sleep(POLL_S)
    if code is None:
        code = os.waitstatus_to_exitcode(status)
        code = HANG if code == -signal.SIGXCPU else code
    assert usage is not None
    return Outcome(
        code=code,
        said=log.read_text(encoding="utf-8", errors="replace") if log.exists() else "",
        seconds=usage.ru_utime + usage.ru_stime,
        megabytes=most / 2**20,
    )


def _held(process: int) -> float:
    try:
        pages = Path(f"/proc/{process}/statm").read_text(encoding="ascii").split()[1]
    except (OSError, IndexError):
        return 0.0
    return float(pages) * os.sysconf("SC_PAGESIZE")


def _child(words: list[str], log: Path, seconds: int) -> None:
    """Run a command line and end the process with its code, whatever happens."""
    code = TRACEBACK
    try:
        handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(handle, 1)
        os.dup2(handle, 2)
        for name, number in (("stdout", 1), ("stderr", 2)):
            setattr(sys, name, open(number, "w", encoding="utf-8", closefd=False))
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        signal.signal(signal.SIGXCPU, signal.SIG_DFL)
        from pulsephase.cli import main

        code = main(words)
    except BaseException:  # noqa: BLE001 - whatever it is, it is what was looked for
        traceback.print_exc()
    finally:
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(code)
