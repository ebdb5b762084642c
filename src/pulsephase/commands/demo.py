"""``pulsephase demo``."""

from pathlib import Path
from typing import Any

import click

from pulsephase.commands.common import NamedPath, Terminal, emit, shared_options, stderr
from pulsephase.machine import use_one_thread

METHODS = ("phasenet", "pos", "chrom")
NOTE = "Two 12-second clips cannot rank methods."


@click.command(name="demo")
@click.option("--out", default=Path("runs/demo"), show_default=True, type=NamedPath(path_type=Path))
@click.option("--weights", default="tiny", show_default=True, help="Shipped name, or a file.")
@click.option("--synthetic", is_flag=True, help="Use a synthetic video, not the samples.")
@click.option("--no-frames", is_flag=True, help="Leave faces out of the report.")
@shared_options
def command(
    out: Path, weights: str, synthetic: bool, no_frames: bool, as_json: bool, device: str
) -> int:
    """Measure the two public sample videos by PHASE-Net, POS and CHROM, beside their contact PPG.

    Without a network it says so and goes on with a synthetic video.

    Example: pulsephase demo --json
    """
    use_one_thread()
    from pulsephase.measurement.demo import run_demo
    from pulsephase.pages.measurement import check_writable

    check_writable(out)
    with stderr.status("measuring"):
        videos, page = run_demo(
            out,
            weights=weights,
            synthetic=synthetic,
            pictures=not no_frames,
            device=device,
            say=_say,
        )
    if as_json:
        emit({"videos": videos, "report": str(page), "note": NOTE})
    else:
        _print(videos)
        click.echo(f"report: {page}")
    return 0  # methods that abstain are a result, too


def _say(message: str) -> None:
    stderr.print(message, soft_wrap=True, highlight=False)


def _print(videos: list[dict[str, Any]]) -> None:
    from rich.table import Table

    table = Table(
        "video", "method", "heart rate (bpm)", "best guess", "reference", "error", "quality"
    )
    for video in videos:
        for row in video["methods"]:
            bpm = row["heart_rate_bpm"]
            table.add_row(
                Path(video["source"]).name,
                row["method"],
                f"{bpm:.1f}" if bpm is not None else "abstains",
                f"{row['estimate_bpm']:.1f}" if row["estimate_bpm"] is not None else "",
                f"{video['reference_bpm']:.1f}",
                f"{row['error_bpm']:.1f}" if row["error_bpm"] is not None else "",
                f"{row['quality']:.2f}",
            )
    Terminal().print(table)
    click.echo("The error is that of the best guess, abstention off. " + NOTE)
