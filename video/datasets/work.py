"""Recordings into the cache, in one process or many; what a bad one breaks is its own fate.

Processes are spawned, not forked (threads of torch do not survive a fork), and end when the one
that started them does, even if that was killed.
"""

import os
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait
from pathlib import Path

import cv2
import torch

from pulsephase.errors import InputError, PulsePhaseError
from pulsephase.video.datasets.entry import (
    CacheEntry,
    CacheFull,
    folder_of,
    from_root,
    is_whole,
    read_entry,
    remove,
    write_entry,
)
from pulsephase.video.datasets.fate import Fate
from pulsephase.video.datasets.recording import Recording
from pulsephase.video.faces import FaceTracker
from pulsephase.video.pipeline import WholeFrame

FACES = {"track": FaceTracker, "whole": WholeFrame}


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What is done to a recording.

    Attributes:
        root: Folder of the data set.
        clips: Folder of the cache that holds a folder a recording.
        size: Pixels along a side of a crop.
        sample_hz: Rate of the crops.
        faces: Name of the face source.
    """

    root: Path
    clips: Path
    size: int
    sample_hz: float
    faces: str

    def __call__(self, recording: Recording) -> Fate:
        """Cache one recording, unless it is there.

        Raises:
            CacheFull: If the cache cannot be written: then no recording will do better.
        """
        folder = self.clips / folder_of(recording.name)
        entry = _kept(folder, recording)
        if entry is not None:
            return _cached(entry, kept=True)
        try:
            entry = write_entry(
                recording,
                self.clips,
                root=self.root,
                size=self.size,
                sample_hz=self.sample_hz,
                faces=FACES[self.faces](),
            )
        except CacheFull:
            raise
        except PulsePhaseError as error:
            reason = str(error)
        except Exception as error:  # noqa: BLE001 - whatever it is, the others must not be lost
            reason = f"{type(error).__name__}: {error}"
        else:
            return _cached(entry, kept=False)
        remove(folder)
        return _failed(recording, from_root(reason, self.root))


def in_processes(work: Work, recordings: Sequence[Recording], *, workers: int) -> Iterator[Fate]:
    """Do the work on every recording; yield each one's fate, in no particular order.

    A process that dies takes what was in work with it; each of those is then tried alone, and the
    one that ends its process again has failed.

    Raises:
        CacheFull: If the cache cannot be written.
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
                yield _failed(recording, "its process was ended by the system: out of memory?")


def _pooled(
    work: Work, recordings: Sequence[Recording], *, workers: int
) -> Iterator[tuple[Recording, "Future[Fate]"]]:
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


def _kept(folder: Path, recording: Recording) -> CacheEntry | None:
    """Return the entry of an earlier call, if it is whole and of the same source."""
    if not folder.exists():
        return None
    try:
        entry = read_entry(folder)
    except InputError:
        return None
    same = (
        entry.name == recording.name
        and entry.subject == recording.subject
        and dict(entry.attributes) == dict(recording.attributes)
        and entry.source_bytes == recording.bytes_on_disk()
    )
    return entry if same and is_whole(folder, entry) else None


def _cached(entry: CacheEntry, *, kept: bool) -> Fate:
    return Fate(
        name=entry.name,
        subject=entry.subject,
        outcome="cached",
        notes=entry.notes,
        frames=entry.frames,
        seconds=entry.seconds,
        face_share=entry.face_share,
        pulse_share=entry.pulse_share,
        kept=kept,
    )


def _failed(recording: Recording, reason: str) -> Fate:
    return Fate(name=recording.name, subject=recording.subject, outcome="failed", reason=reason)
