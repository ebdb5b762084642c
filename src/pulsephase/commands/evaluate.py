"""``pulsephase evaluate``: metrics of predicted waves against labels, from plain files."""

from pathlib import Path

import click

from pulsephase.commands.common import emit, shared_options, stderr

CONVENTIONS = ("strict", "toolbox-2025", "toolbox-2023", "phasenet-release")


@click.command("evaluate")
@click.option("--predictions", required=True, type=click.Path(path_type=Path), help=".npz or .csv.")
@click.option("--labels", required=True, type=click.Path(path_type=Path), help="The same clips.")
@click.option("--convention", type=click.Choice(CONVENTIONS), default="strict", show_default=True)
@click.option("--sample-hz", type=float, help="Unless a column time_s tells.")
@click.option("--window", "window_s", type=float, help="Seconds; else the convention's own.")
@click.option("--difference", is_flag=True, help="The waves are first differences.")
@click.option("--subjects", type=click.Path(path_type=Path), help=".csv of clip,subject.")
@click.option("--groups", type=click.Path(path_type=Path), help=".csv of clip,group.")
@click.option("--min-quality", type=click.FloatRange(0.0, 1.0), help="For the coverage.")
@click.option("--method", default="unnamed", show_default=True, help="For the table.")
@click.option("--dataset", default="unnamed", show_default=True, help="For the table.")
@click.option("--plot", type=click.Path(path_type=Path), help="Bland-Altman plot: .svg or .png.")
@shared_options
def command(
    predictions: Path,
    labels: Path,
    convention: str,
    sample_hz: float | None,
    window_s: float | None,
    difference: bool,
    subjects: Path | None,
    groups: Path | None,
    min_quality: float | None,
    method: str,
    dataset: str,
    plot: Path | None,
    as_json: bool,
    device: str,
) -> int:
    """Compare predicted pulse waves with contact ones, under a convention that has a name.

    Example: pulsephase evaluate --predictions mine.npz --labels contact.npz --sample-hz 30
    """
    from pulsephase.evaluate import evaluate_waves, read_table, read_waves

    if plot is not None and plot.suffix not in {".svg", ".png"}:
        raise click.BadParameter(f"{plot.name!r} must end in .svg or .png", param_hint="--plot")
    row, found = evaluate_waves(
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
    row = {"method": method, "dataset": dataset, **row}
    if plot is not None:
        from pulsephase.figures import bland_altman_plot

        bland_altman_plot(found, plot)
    if as_json:
        emit({"results": [row]})
        return 0
    from rich.table import Table

    table = Table(title=f"{method} on {dataset}, {convention}, {row['clips']} clips")
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
    table.add_row("within 3 bpm", f"{100 * row['within_3_bpm']:.1f} %", "", "")
    table.add_row("coverage", f"{100 * row['coverage']:.1f} %", "", "")
    for name, error in row["by_group"].items():
        table.add_row(f"mae bpm, {name}", _shown(error), "", "")
    stderr.print(table)
    for warning in row["warnings"]:
        stderr.print(f"note: {warning}", soft_wrap=True, highlight=False)
    return 0


def _shown(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
