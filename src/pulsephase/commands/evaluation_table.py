"""Results of an evaluation for a person to read, on stderr."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pulsephase.commands.common import stderr

if TYPE_CHECKING:
    from rich.table import Table

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
