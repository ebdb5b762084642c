"""``pulsephase pretrain``."""

from dataclasses import replace
from pathlib import Path

import click

from pulsephase.commands.common import (
    NamedPath,
    emit,
    planted_source,
    progress,
    shared_options,
    stderr,
    steps_of,
)


@click.command(name="pretrain")
@click.option(
    "--recipe",
    "name",
    default="quick",
    show_default=True,
    help="quick, tiny, base, tiny-mixed, base-mixed, quick-full or quick-naive.",
)
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0, 9))
@click.option("--steps", type=click.IntRange(1), help="Fewer or more steps than the recipe has.")
@click.option(
    "--out",
    default=Path("runs/pretrain"),
    show_default=True,
    type=NamedPath(file_okay=False, path_type=Path),
    help="Folder for NAME-SEED.safetensors, its JSON, and the folder NAME-SEED of the run.",
)
@click.option(
    "--against-pos",
    "clips",
    type=click.IntRange(20),
    help="Then compare with POS on this many `full` clips; exit 1 unless better.",
)
@click.option(
    "--planted",
    "caches",
    multiple=True,
    metavar="CACHE[:PEOPLE[:SHARE]]",
    help="Cache of footage to plant in (recipes tiny-mixed and base-mixed), who of it to train on "
    "(commas between), its weight; repeatable.",
)
@click.option("--init", default="", help="Weights to begin with; by default the recipe's.")
@click.option("--threads", default=1, show_default=True, type=click.IntRange(1))
@click.option("--workers", default=1, show_default=True, type=click.IntRange(0))
@shared_options
def command(
    name: str,
    seed: int,
    steps: int | None,
    out: Path,
    clips: int | None,
    caches: tuple[str, ...],
    init: str,
    threads: int,
    workers: int,
    as_json: bool,
    device: str,
) -> int:
    """Train PHASE-Net on synthetic video, made on the fly.

    A run that was interrupted goes on where it was, by the same command.

    "Better" means that the lower 95 % bound of the paired difference in clips within 3 bpm is
    above zero.

    Example: pulsephase pretrain --recipe quick --against-pos 200
    """
    import torch

    from pulsephase.evaluation.compare import compare
    from pulsephase.files import write_json
    from pulsephase.training.pretrain import card_of, pretrain, store
    from pulsephase.training.recipes import COMPARED_ON, recipe

    chosen = recipe(name)
    if steps is not None:
        chosen = replace(chosen, steps=steps)
    out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(threads)
    with progress(f"pretraining {name}, seed {seed}", chosen.steps) as advance:
        result = pretrain(
            chosen,
            seed=seed,
            device=device,
            workers=workers,
            folder=out / f"{name}-{seed}",
            report=steps_of(advance),
            planted=[planted_source(text) for text in caches],
            init=init,
        )
    if not result.leads:
        return 0
    outcome: dict[str, object] = {}
    code = 0
    if clips is not None:
        with progress(f"{clips} clips of {COMPARED_ON} against POS", clips) as advance:
            comparison = compare(result.net.cpu(), COMPARED_ON, clips=clips, advance=advance)
        outcome["comparison"] = comparison.table()
        points, low, high = comparison.gain("phasenet", "pos")
        code = 0 if low > 0 else 1
        stderr.print(
            f"within 3 bpm on {clips} {COMPARED_ON} clips: PHASE-Net "
            f"{100 * comparison.within('phasenet'):.1f} %, POS "
            f"{100 * comparison.within('pos'):.1f} % (difference {points:+.1f} points, "
            f"95 % interval {low:+.1f} to {high:+.1f})"
        )
    weights = out / f"{name}-{seed}.safetensors"
    store(result, weights, extra=outcome)
    summary = {"weights": str(weights), **card_of(result), **outcome}
    write_json(weights.with_suffix(".json"), summary)
    if as_json:
        emit(summary)
    else:
        click.echo(f"{weights}: {result.clips} clips in {result.seconds:.0f} s")
    return code
