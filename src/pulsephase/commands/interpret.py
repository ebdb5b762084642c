"""``pulsephase interpret``: what has a network learnt, and is there an oscillator in it?"""

from collections.abc import Callable
from pathlib import Path

import click

from pulsephase.commands.common import NamedPath, emit, progress, shared_options, stderr
from pulsephase.machine import use_one_thread


@click.command("interpret")
@click.argument("weights")
@click.option(
    "--clips",
    multiple=True,
    type=NamedPath(path_type=Path),
    help="Videos or folders of them as operating points; else synthetic clips.",
)
@click.option(
    "--count",
    type=click.IntRange(1),
    help="Clips that operating points are drawn from; else 8, and 6 with --quick.",
)
@click.option(
    "--assume-pulse",
    is_flag=True,
    help="Take every clip of --clips as one with a pulse, whether POS finds it or not.",
)
@click.option(
    "--seed", default=0, show_default=True, type=click.IntRange(0, 99), help="Of all draws."
)
@click.option(
    "--report",
    type=NamedPath(path_type=Path),
    help="Folder for index.html, and for its figures as files of their own.",
)
@click.option("--no-frames", is_flag=True, help="Leave faces out of the report.")
@click.option("--quick", is_flag=True, help="Fewer operating points: under 50 s for tiny.")
@shared_options
def command(
    weights: str,
    clips: tuple[Path, ...],
    count: int | None,
    assume_pulse: bool,
    seed: int,
    report: Path | None,
    no_frames: bool,
    quick: bool,
    as_json: bool,
    device: str,
) -> int:
    """Read a network's effective response, its poles, and a verdict against nulls.

    WEIGHTS is the name of shipped weights, a .safetensors file, or FILE.py:NAME, where NAME is an
    adapter around anybody's network (docs/reference/interpret.md). The verdict can be positive,
    negative, or withheld with the number that is needed; all three are results, exit code 0.

    Example: pulsephase interpret tiny --quick --json
    """
    use_one_thread()
    from pulsephase.interpret.analyse import SECTIONS, analyse
    from pulsephase.interpret.context import open_context
    from pulsephase.interpret.subject import open_subject
    from pulsephase.pages.measurement import check_writable

    if report is not None:
        check_writable(report)
    subject = open_subject(weights, device=device)
    with progress(f"interpreting {subject.name}", len(SECTIONS) + 1) as advance:
        context = open_context(
            subject,
            videos=clips,
            quick=quick,
            clips=count,
            assume_pulse=assume_pulse,
            seed=seed,
            progress=_steps(advance),
        )
        found = analyse(context)
    if report is not None:
        from pulsephase.interpret.report import frames_of, write_report

        frames = {} if no_frames else frames_of(context.clips)
        page = write_report(report, found, frames=frames)
        stderr.print(f"report: {page}", highlight=False)
    if as_json:
        emit(found)
        return 0
    for name, section in found["sections"].items():
        stderr.print(f"[bold]{name}[/bold]  {section.get('claim', '')}", highlight=False)
    click.echo(found["verdict"]["sentence"])
    return 0


def _steps(advance: Callable[[float], None]) -> Callable[[str, float], None]:
    """Turn shares finished of each part into steps of one bar."""
    done: dict[str, float] = {}

    def step(name: str, share: float) -> None:
        before = done.get(name, 0.0)
        if share > before:
            advance(share - before)
            done[name] = share

    return step
