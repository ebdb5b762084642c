"""``pulsephase evaluate``: networks and classical methods on clips, or waves from files."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from pulsephase.commands.common import NamedPath, emit, progress, shared_options, stderr
from pulsephase.commands.evaluation_table import show
from pulsephase.errors import InputError

if TYPE_CHECKING:
    from pulsephase.evaluation.cases import Cases, Part
    from pulsephase.evaluation.results import Verdict
    from pulsephase.vitals.metrics import Metrics

OF_WAVES = ("sample_hz", "difference", "subjects", "groups", "dataset")
OF_MODELS = (
    *("weights", "caches", "split", "part", "synthetic", "clips", "seconds", "size"),
    *("html", "show_faces"),
)
CONVENTIONS = ("strict", "toolbox-2025", "toolbox-2023", "phasenet-release")
ALL = "without --split all clips of a cache count, those that a network was trained on among them"
PARTS = ("test", "validation", "train")


@click.command("evaluate")
@click.option("--weights", multiple=True, help="Network: a name or a .safetensors; repeatable.")
@click.option("--method", "names", multiple=True, help="pos, chrom, green, ...; repeatable.")
@click.option(
    "--cache",
    "caches",
    multiple=True,
    type=NamedPath(file_okay=False, path_type=Path),
    help="Folder that `pulsephase datasets cache` made; repeatable.",
)
@click.option("--split", help="Of the data set by subjects: a name or a .json; else all clips.")
@click.option("--part", type=click.Choice(PARTS), help="Of the split.  [default: test]")
@click.option("--synthetic", multiple=True, help="Preset of the generator; repeatable.")
@click.option("--clips", type=click.IntRange(1), help="Of each preset.  [default: 100]")
@click.option("--seconds", type=click.FloatRange(8.0), help="Of a synthetic clip.  [default: 20]")
@click.option("--size", type=int, help="Synthetic crops for classical methods, px.  [default: 36]")
@click.option("--html", type=NamedPath(path_type=Path), help="Report: a folder, or FILE.html.")
@click.option("--show-faces", is_flag=True, help="Crops of real people in the report too.")
@click.option("--predictions", type=NamedPath(path_type=Path), help="Waves: .npz or .csv.")
@click.option("--labels", type=NamedPath(path_type=Path), help="Contact waves of the same clips.")
@click.option(
    "--convention",
    "conventions",
    type=click.Choice(CONVENTIONS),
    multiple=True,
    default=("strict",),
    show_default="strict",
    help="Whose arithmetic; repeatable.",
)
@click.option("--sample-hz", type=float, help="Of the waves, unless a column time_s tells.")
@click.option("--window", "window_s", type=float, help="Seconds; else the convention's own.")
@click.option("--difference", is_flag=True, help="The waves are first differences.")
@click.option("--subjects", type=NamedPath(path_type=Path), help=".csv of clip,subject.")
@click.option("--groups", type=NamedPath(path_type=Path), help=".csv of clip,group.")
@click.option("--min-quality", type=click.FloatRange(0.0, 1.0), help="For the coverage.")
@click.option("--dataset", help="Name of the waves' data set in the table.")
@click.option("--plot", type=NamedPath(path_type=Path), help="Bland-Altman plot: .svg or .png.")
@shared_options
@click.pass_context
def command(
    ctx: click.Context,
    weights: tuple[str, ...],
    names: tuple[str, ...],
    caches: tuple[Path, ...],
    split: str | None,
    part: "Part | None",
    synthetic: tuple[str, ...],
    clips: int | None,
    seconds: float | None,
    size: int | None,
    html: Path | None,
    show_faces: bool,
    predictions: Path | None,
    labels: Path | None,
    conventions: tuple[str, ...],
    sample_hz: float | None,
    window_s: float | None,
    difference: bool,
    subjects: Path | None,
    groups: Path | None,
    min_quality: float | None,
    dataset: str | None,
    plot: Path | None,
    as_json: bool,
    device: str,
) -> int:
    """Judge networks and classical methods on clips whose pulse is known, under named conventions.

    Networks and methods (`--weights`, `--method`) meet cached data sets (`--cache`) and presets of
    the generator (`--synthetic`); or waves of your own (`--predictions`) meet contact ones
    (`--labels`), no video needed. Of a split, no other command reads the test part.

    Example: pulsephase evaluate --weights tiny --method pos --synthetic easy --clips 20

    Example: pulsephase evaluate --predictions mine.npz --labels contact.npz --sample-hz 30
    """
    if plot is not None and plot.suffix not in {".svg", ".png"}:
        raise click.BadParameter(f"{plot.name!r} must end in .svg or .png", param_hint="--plot")
    if plot is not None and not plot.parent.is_dir():
        raise InputError(f"--plot: there is no folder {plot.parent}; make it first")
    damaged: list[str] = []
    if predictions is not None or labels is not None:
        _refuse(ctx, OF_MODELS, "with --predictions and --labels")
        if predictions is None or labels is None or len(names) > 1:
            raise click.UsageError("give --predictions and --labels, and one --method as a name")
        options = (sample_hz, window_s, difference, subjects, groups, min_quality)
        found = [_of_waves(predictions, labels, each, *options) for each in conventions]
        head = {"method": names[0] if names else "unnamed", "dataset": dataset or "unnamed"}
        rows, metrics = [{**head, **row} for row, _ in found], found[0][1]
    else:
        _refuse(ctx, OF_WAVES, "without --predictions and --labels")
        sources = _sources(caches, split, part, synthetic, (clips, seconds, size))
        verdicts = _judge(
            (weights, names, device),
            sources,
            conventions=conventions,
            window_s=window_s,
            min_quality=min_quality,
            page=html,
            show_faces=show_faces,
        )
        rows, metrics = [each.row for each in verdicts], verdicts[0].metrics
        damaged = [reason for each in sources for reason in each.damaged.values()]
        if weights and any(not each.synthetic and each.part == "all" for each in sources):
            stderr.print(f"note: {ALL}", soft_wrap=True, highlight=False)
    if as_json:
        emit({"results": rows})
    else:
        show(rows)
    if plot is not None:
        _plot(metrics, plot)
    if damaged:
        stderr.print(f"pulsephase: {'; '.join(damaged)}", soft_wrap=True, highlight=False)
    judged = any(row["clips"] or row.get("no_pulse") for row in rows)
    return 0 if judged and not damaged else 1


def _of_waves(
    predictions: Path,
    labels: Path,
    convention: str,
    sample_hz: float | None,
    window_s: float | None,
    difference: bool,
    subjects: Path | None,
    groups: Path | None,
    min_quality: float | None,
) -> "tuple[dict[str, Any], Metrics | None]":
    from pulsephase.evaluation.waves import evaluate_waves, read_table, read_waves

    return evaluate_waves(
        read_waves(predictions),
        read_waves(labels),
        convention=convention,
        sample_hz=sample_hz,
        window_s=window_s,
        difference=difference,
        subjects=None if subjects is None else read_table(subjects),
        groups=None if groups is None else read_table(groups),
        min_quality=min_quality,
    )


def _plot(metrics: "Metrics | None", path: Path) -> None:
    if metrics is None:
        raise InputError("no clip could be judged: there is nothing to plot")
    from pulsephase.pages.figures import bland_altman_plot

    bland_altman_plot(metrics, path)


def _refuse(ctx: click.Context, options: Sequence[str], when: str) -> None:
    """Refuse options that would have no effect."""
    for parameter in ctx.command.params:
        given = ctx.get_parameter_source(parameter.name or "") == ParameterSource.COMMANDLINE
        if parameter.name in options and given:
            raise click.UsageError(f"{parameter.opts[0]} means nothing {when}: leave it out")


def _sources(
    caches: Sequence[Path],
    split: str | None,
    part: "Part | None",
    presets: Sequence[str],
    drawn: tuple[int | None, float | None, int | None],
) -> "list[Cases]":
    from pulsephase.evaluation.cases import CachedCases, SyntheticCases, part_of
    from pulsephase.video.datasets.cache import Cache

    if not caches and not presets:
        raise click.UsageError("nothing to evaluate on: give --cache or --synthetic")
    if (split is None and part is not None) or (split is not None and not caches):
        raise click.UsageError("--part goes with --split, and --split with --cache")
    clips, seconds, size = drawn
    return [
        *(
            CachedCases(Cache(each))
            if split is None
            else part_of(Cache(each), split, part or "test")
            for each in caches
        ),
        *(
            SyntheticCases(
                name, clips=clips or 100, seconds=seconds or 20.0, classical_size=size or 36
            )
            for name in presets
        ),
    ]


def _judge(
    asked: tuple[Sequence[str], Sequence[str], str],
    sources: "Sequence[Cases]",
    *,
    conventions: Sequence[str],
    window_s: float | None,
    min_quality: float | None,
    page: Path | None,
    show_faces: bool,
) -> "list[Verdict]":
    """Run all methods on all sources, one after the other, and write the page."""
    from pulsephase.evaluation.judge import evaluate
    from pulsephase.evaluation.methods import methods_of
    from pulsephase.evaluation.page import page_path, write_evaluation

    weights, names, device = asked
    file = None if page is None else page_path(page)
    methods = methods_of(weights, names, device=device)
    for cases in sources:
        for method in methods:
            cases.check_size(method.size(cases))
    verdicts = []
    for cases in sources:
        with progress(f"{cases.name}, {cases.part}", len(cases)) as advance:
            verdicts += evaluate(
                methods,
                cases,
                conventions=conventions,
                window_s=window_s,
                min_quality=min_quality,
                pictures=file is not None and (show_faces or cases.synthetic),
                advance=advance,
            )
    if file is not None:
        write_evaluation(file, verdicts, parameters={"methods": ", ".join(m.name for m in methods)})
        stderr.print(f"report: {file}", soft_wrap=True, highlight=False)
    return verdicts
