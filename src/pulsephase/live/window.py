"""What `live` shows and keeps: a window with the face boxes, and a table with a row a sample."""

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np

from pulsephase.errors import InputError, MissingExtraError, ParameterError
from pulsephase.files import whole_file
from pulsephase.live.feed import Arrived
from pulsephase.live.monitor import Reading
from pulsephase.live.session import State
from pulsephase.live.view import rate_text

TITLE = "pulsephase"
COLOUR = (240, 192, 25)  # BGR
QUIT = {27, ord("q")}


def check_window(
    build: str | None = None,
    *,
    platform: str = sys.platform,
    environment: Mapping[str, str] = os.environ,
) -> None:
    """Refuse a window where none can be shown.

    Args:
        build: What OpenCV says of how it was built; none means ask it.
        platform: As ``sys.platform``.
        environment: Variables of the process.

    Raises:
        MissingExtraError: If this OpenCV draws no windows, or there is no display.
    """
    lines = (cv2.getBuildInformation() if build is None else build).splitlines()
    gui = next((each.split(":", 1)[1].strip() for each in lines if "GUI:" in each), "NONE")
    if gui == "NONE":
        raise MissingExtraError(
            "--window: the installed OpenCV is the headless build, which has no windows; run "
            "'pip uninstall opencv-python-headless' and 'pip install \"opencv-python<5\"'"
        )
    if platform.startswith("linux") and not (
        environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY")
    ):
        raise MissingExtraError(
            "--window: there is no display (DISPLAY is not set); leave --window out, or run it on "
            "a desktop"
        )


def drawn(frame: Arrived, state: State) -> np.ndarray:
    """Return the frame in BGR with each face's box and rate."""
    image = np.asarray(cv2.cvtColor(frame.image, cv2.COLOR_RGB2BGR))
    for number, face in state.faces.items():
        if face.reading.box is None:
            continue
        x, y, width, height = (round(edge) for edge in face.reading.box)
        cv2.rectangle(image, (x, y), (x + width, y + height), COLOUR, 2)
        text = f"{number}: {rate_text(face)}"
        cv2.putText(image, text, (x, max(12, y - 6)), cv2.FONT_HERSHEY_SIMPLEX, 0.5, COLOUR, 1)
    return image


def show(frame: Arrived, state: State) -> bool:
    """Show a frame; false when the user presses q or Escape."""
    cv2.imshow(TITLE, drawn(frame, state))
    return (cv2.waitKey(1) & 0xFF) not in QUIT


COLUMNS = (
    "time_s",
    "face",
    "pulse",
    "heart_rate_bpm",
    "quality",
    "box_x",
    "box_y",
    "box_width",
    "box_height",
)


def check_record(path: Path) -> None:
    """Refuse a name or a folder that cannot take the table, before anything is recorded.

    Raises:
        ParameterError: If the name does not end in .csv.
        InputError: If there is no such folder.
    """
    if path.suffix != ".csv":
        raise ParameterError(f"--record is {path.name!r}; the name must end in .csv")
    if not path.parent.is_dir():
        raise InputError(f"--record: there is no folder {path.parent}; make it first")


class Recorder:
    """Write readings as rows of CSV; an empty field where there is no number."""

    def __init__(self, write: Callable[[str], object]) -> None:
        self._write = write
        write(",".join(COLUMNS) + "\n")

    def add(self, reading: Reading) -> None:
        """Write one reading."""
        rate = reading.rate
        numbers = (reading.pulse, rate.bpm, rate.quality, *(reading.box or (None,) * 4))
        fields = ("" if n is None or n != n else f"{n:.9g}" for n in numbers)
        self._write(f"{reading.time_s:.6f},{reading.face},{','.join(fields)}\n")


@contextmanager
def recorder(path: Path) -> Iterator[Recorder]:
    """Yield a recorder whose file is put in its place when the block ends, else not at all."""
    with whole_file(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        yield Recorder(file.write)
