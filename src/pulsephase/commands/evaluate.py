"""``pulsephase evaluate``: networks and classical methods on clips, or waves from files."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from pulsephase.commands.common import emit, progress, shared_options, stderr
from pulsephase.errors import InputError

if TYPE_CHECKING:
    from rich.table import Table

    from pulsephase.experiments.evaluation.cases import Cases
    from pulsephase.experiments.evaluation.judge import Verdict
    from pulsephase.vitals.protocols import Metrics

OF_WAVES = ("sample_hz", "difference", "subjects", "groups", "dataset")
OF_MODELS = (
    *("weights", "caches", "synthetic", "clips", "seconds", "size"),
    *("html", "show_faces"),
)
CONVENTIONS = ("strict", "toolbox-2025", "toolbox-2023", "phasenet-release")
COLUMNS = (
    ("method", "method"),
    ("dataset", "data"),
    ("convention", "convention"),
    ("clips", "clips"),
    ("mae_bpm", "MAE bpm"),
    ("pearson", "r"),
    ("within_3_bpm", "within 3"),
    ("coverage", "coverage"),
)


@click.command("evaluate")
@click.option("--weights", multiple=True, help="Network: a name or a .safetensors; repeatable.")
@click.option("--method", "names", multiple=True, help="pos, chrom, green, ...; repeatable.")
@click.option(
    "--cache",
    "caches",
    multiple=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder that `pulsephase datasets cache` made; repeatable.",
)
@click.option("--synthetic", multiple=True, help="Preset of the generator; repeatable.")
@click.option("--clips", type=click.IntRange(1), help="Of each preset.  [default: 100]")
@click.option("--seconds", type=click.FloatRange(8.0), help="Of a synthetic clip.  [default: 20]")
@click.option("--size", type=int, help="Synthetic crops for classical methods, px.  [default: 36]")
@click.option("--html", type=click.Path(path_type=Path), help="Report: a folder, or FILE.html.")
@click.option("--show-faces", is_flag=True, help="Crops of real people in the report too.")
@click.option("--predictions", type=click.Path(path_type=Path), help="Waves: .npz or .csv.")
@click.option("--labels", type=click.Path(path_type=Path), help="Contact waves of the same clips.")
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
@click.option("--subjects", type=click.Path(path_type=Path), help=".csv of clip,subject.")
@click.option("--groups", type=click.Path(path_type=Path), help=".csv of clip,group.")
@click.option("--min-quality", type=click.FloatRange(0.0, 1.0), help="For the coverage.")
@click.option("--dataset", help="Name of the waves' data set in the table.")
@click.option("--plot", type=click.Path(path_type=Path), help="Bland-Altman plot: .svg or .png.")
@shared_options
@click.pass_context
def command(
    ctx: click.Context,
    weights: tuple[str, ...],
    names: tuple[str, ...],
    caches: tuple[Path, ...],
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
    (`--labels`), no video needed.

    Example: pulsephase evaluate --weights tiny --method pos --synthetic easy --clips 20

    Example: pulsephase evaluate --predictions mine.npz --labels contact.npz --sample-hz 30
    """
    if plot is not None and plot.suffix not in {".svg", ".png"}:
        raise click.BadParameter(f"{plot.name!r} must end in .svg or .png", param_hint="--plot")
    if predictions is not None or labels is not None:
        _refuse(ctx, OF_MODELS, "with --predictions and --labels")
        if predictions is None or labels is None or len(names) > 1:
            raise click.UsageError("give --predictions and --labels, and one --method as a name")
        from pulsephase.evaluate import evaluate_waves, read_table, read_waves

        found = [
            evaluate_waves(
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
            for convention in conventions
        ]
        head = {"method": names[0] if names else "unnamed", "dataset": dataset or "unnamed"}
        rows = [{**head, **row} for row, _ in found]
        metrics: Metrics | None = found[0][1]
    else:
        _refuse(ctx, OF_WAVES, "without --predictions and --labels")
        from pulsephase.evaluation_page import page_path, write_evaluation

        page = None if html is None else page_path(html)
        sources = _sources(caches, synthetic, (clips, seconds, size))
        verdicts = _judge(
            (weights, names, device),
            sources,
            conventions=conventions,
            window_s=window_s,
            min_quality=min_quality,
            pictures=None if page is None else show_faces,
        )
        rows, metrics = [each.row for each in verdicts], verdicts[0].metrics
        if page is not None:
            write_evaluation(page, verdicts, parameters={})
            stderr.print(f"report: {page}", soft_wrap=True, highlight=False)
    if plot is not None:
        if metrics is None:
            raise InputError("no clip could be judged: there is nothing to plot")
        from pulsephase.figures import bland_altman_plot

        bland_altman_plot(metrics, plot)
    if as_json:
        emit({"results": rows})
    else:
        show(rows)
    return 0 if any(row["clips"] or row.get("no_pulse") for row in rows) else 1


def _refuse(ctx: click.Context, options: Sequence[str], when: str) -> None:
    """Refuse options that would have no effect."""
    for parameter in ctx.command.params:
        given = ctx.get_parameter_source(parameter.name or "") == ParameterSource.COMMANDLINE
        if parameter.name in options and given:
            raise click.UsageError(f"{parameter.opts[0]} means nothing {when}: leave it out")


def _sources(
    caches: Sequence[Path],
    presets: Sequence[str],
    drawn: tuple[int | None, float | None, int | None],
) -> "list[Cases]":
    from pulsephase.experiments.evaluation.cases import SyntheticCases

    if not caches and not presets:
        raise click.UsageError("nothing to evaluate on: give --cache or --synthetic")
    clips, seconds, size = drawn
    found: list[Cases] = []
    if caches:
        from pulsephase.experiments.evaluation.cached import CachedCases
        from pulsephase.video.datasets.cache import Cache

        found += [CachedCases(Cache(each)) for each in caches]
    found += [
        SyntheticCases(name, clips=clips or 100, seconds=seconds or 20.0, classical_size=size or 36)
        for name in presets
    ]
    return found


def _judge(
    asked: tuple[Sequence[str], Sequence[str], str],
    sources: "Sequence[Cases]",
    *,
    conventions: Sequence[str],
    window_s: float | None,
    min_quality: float | None,
    pictures: bool | None,
) -> "list[Verdict]":
    """Run all methods on all sources; ``pictures``: none at all, or whether of real people too."""
    from pulsephase.experiments.evaluation.judge import evaluate
    from pulsephase.experiments.evaluation.methods import methods_of

    weights, names, device = asked
    methods = methods_of(weights, names, device=device)
    for cases in sources:
        for method in methods:
            cases.check_size(method.size(cases))
    verdicts = []
    for cases in sources:
        with progress(cases.name, len(cases)) as advance:
            verdicts += evaluate(
                methods,
                cases,
                conventions=conventions,
                window_s=window_s,
                min_quality=min_quality,
                pictures=pictures is not None and (pictures or cases.synthetic),
                advance=advance,
            )
    return verdicts


def show(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print one result in full, several as one table."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    if len(rows) > 1:
        from pulsephase.evaluation_page import cell

        table = Table(box=SIMPLE_HEAD)
        for key, name in COLUMNS:
            left = key in {"method", "dataset", "convention"}
            table.add_column(name, justify="left" if left else "right", no_wrap=key != "dataset")
        for row in rows:
            table.add_row(*(cell({**row, "uncertainty": {}}, key) for key, _ in COLUMNS))
        stderr.print(table)
    else:
        stderr.print(_one(rows[0]))
    for row in rows:
        about = f"{row['method']}, {row['dataset']}, {row['convention']}: " if len(rows) > 1 else ""
        for note in [*row["warnings"], *_notes(row)]:
            stderr.print(f"note: {about}{note}", soft_wrap=True, highlight=False)


def _one(row: Mapping[str, Any]) -> "Table":
    from rich.table import Table

    title = f"{row['method']} on {row['dataset']}, {row['convention']}, {row['clips']} clips"
    table = Table(title=title)
    for column in ("metric", "value", "standard error", "95 % interval"):
        table.add_column(column, justify="left" if column == "metric" else "right")
    for name, spread in row["uncertainty"].items():
        interval = spread["interval_95"]
        table.add_row(
            name.replace("_", " "),
            _shown(row[name]),
            _shown(spread["standard_error"]),
            "" if interval is None else f"{interval[0]:.3f} to {interval[1]:.3f}",
        )
    for name in ("within_3_bpm", "coverage"):
        share = row[name]
        table.add_row(name.replace("_", " "), "" if share is None else f"{100 * share:.1f} %")
    for name, error in row["by_group"].items():
        table.add_row(f"mae bpm, {name}", _shown(error), "", "")
    return table


def _notes(row: Mapping[str, Any]) -> list[str]:
    """Say what no metric says: clips left out, the device's reading, clips without a pulse."""
    said = []
    if row.get("unscored"):
        first = row["unscored"][0]
        said.append(
            f"{len(row['unscored'])} of {row['clips_asked']} clips have no result, "
            f"{first['clip']}: {first['reason']}"
        )
    if row.get("lost"):
        first = row["lost"][0]
        said.append(f"{len(row['lost'])} are not in the cache, {first['clip']}: {first['reason']}")
    if row.get("device"):
        device = row["device"]
        said.append(
            f"against the device's own reading the error is {device['mae_bpm']:.2f} bpm; the "
            f"device is {device['own_wave_mae_bpm']:.2f} bpm from its own wave"
        )
    if row.get("no_pulse"):
        silent = row["no_pulse"]
        said.append(
            f"of {silent['clips']} clips without a pulse, "
            f"{100 * silent['answered']:.0f} % were given a rate all the same"
        )
    return said


def _shown(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
