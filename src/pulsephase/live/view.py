"""What a session looks like in a terminal."""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from pulsephase.live.session import FaceState, State

BLOCKS = "▁▂▃▄▅▆▇█"
WIDTH = 72
REFRESH_S = 0.25
LINE_S = 1.0


def sparkline(wave: Sequence[float], *, width: int = WIDTH) -> str:
    """Draw a wave in one line of blocks, its newest sample on the right; gaps are blank.

    >>> sparkline([0.0, 1.0, float("nan"), 0.5], width=4)
    '▁█ ▅'
    """
    step = max(1, math.ceil(len(wave) / width))
    cells = [list(wave)[start : start + step] for start in range(0, len(wave), step)]
    means = [math.fsum(cell) / len(cell) for cell in cells]  # NaN where any sample is
    heights = [mean for mean in means if not math.isnan(mean)]
    low, high = (min(heights), max(heights)) if heights else (0.0, 0.0)
    scale = (len(BLOCKS) - 1) / (high - low) if high > low else 0.0
    return "".join(
        " " if math.isnan(mean) else BLOCKS[int((mean - low) * scale + 0.5)] for mean in means
    )


def rate_text(face: FaceState) -> str:
    """Say the rate of a face, or why there is none."""
    rate = face.reading.rate
    if face.reading.box is None:
        return "no face"
    if rate.bpm is not None:
        return f"{rate.bpm:.1f} bpm (quality {rate.quality:.2f})"
    guess = "" if rate.estimate_bpm is None else f"; best guess {rate.estimate_bpm:.0f} bpm"
    return f"no heart rate: {rate.reason}{guess}"


def status_text(state: State) -> str:
    """Say how the session is doing: time, speed, what was dropped, how late all this is."""
    return (
        f"{state.time_s:.1f} s, {state.frame_hz:.1f} frames/s, {state.dropped} dropped; "
        f"the wave is {state.network_s + state.processing_s:.2f} s late, "
        f"the rate {state.latency_s:.1f} s"
    )


def faces_text(state: State) -> str | None:
    """Say so where there are more faces than are measured."""
    if state.faces_seen > max(1, len(state.faces)):
        return f"{state.faces_seen} faces are in view, one is measured; --all measures each"
    return None


def panel(state: State) -> RenderableType:
    """Lay out a session."""
    rows = [Text(state.source, style="bold"), Text(status_text(state), style="dim")]
    for number, face in sorted(state.faces.items()):
        rows.append(Text(f"face {number}: {rate_text(face)}"))
        rows.append(Text(sparkline(face.wave), style="red"))
    several = faces_text(state)
    if not state.faces:
        rows.append(Text("no face"))
    elif several is not None:
        rows.append(Text(several, style="yellow"))
    return Group(*rows)


def line(state: State) -> str:
    """Say all of it in one line."""
    faces = [f"face {number}: {rate_text(face)}" for number, face in sorted(state.faces.items())]
    several = faces_text(state)
    return "; ".join([status_text(state), *(faces or ["no face"]), *([several] if several else [])])


@contextmanager
def view(console: Console) -> Iterator[Callable[[State], None]]:
    """Yield what shows a state: a panel in a terminal, else a line each second."""
    shown_s = -math.inf
    if console.is_terminal:
        with Live(console=console, auto_refresh=False, transient=True) as live:

            def show(state: State) -> None:
                nonlocal shown_s
                if state.time_s - shown_s >= REFRESH_S:
                    shown_s = state.time_s
                    live.update(panel(state), refresh=True)

            yield show
        return

    def say(state: State) -> None:
        nonlocal shown_s
        if state.time_s - shown_s >= LINE_S:
            shown_s = state.time_s
            console.print(line(state), soft_wrap=True, highlight=False)

    yield say
