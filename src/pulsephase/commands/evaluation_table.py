"""Results of an evaluation for a person to read, on stderr."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pulsephase.commands.common import stderr

if TYPE_CHECKING:
    from rich.table import Table

WORDS = frozenset({"method", "data", "trained on", "convention"})


def show(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print one result in full, several as one table, and what no number of it says."""
    if len(rows) == 1:
        stderr.print(_one(rows[0]))
    else:
        stderr.print(_many(rows))
    notes = rows[0]["warnings"] if len(rows) == 1 else []
    for note in dict.fromkeys([*notes, *(note for row in rows for note in _notes(row, len(rows)))]):
        stderr.print(f"note: {note}", soft_wrap=True, highlight=False)


def _many(rows: Sequence[Mapping[str, Any]]) -> "Table":
    """Lay out several results; the data set's part and the convention only where they differ."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    columns = [_line(row) for row in rows]
    hidden = {"convention"} if len({row["convention"] for row in rows}) == 1 else set()
    title = f"convention {rows[0]['convention']}" if hidden else None
    table = Table(box=SIMPLE_HEAD, title=title)
    for name in columns[0]:
        if name not in hidden:
            table.add_column(name, justify="left" if name in WORDS else "right", overflow="fold")
    for line in columns:
        table.add_row(*(value for name, value in line.items() if name not in hidden))
    return table


def _line(row: Mapping[str, Any]) -> dict[str, str]:
    part = row.get("part", "all")
    trained = {"trained on": " ".join(row["trained_on"])} if "trained_on" in row else {}
    return {
        "method": row["method"],
        **trained,
        "data": row["dataset"] + ("" if part == "all" or trained else f", {part}"),
        "convention": row["convention"],
        "clips": str(row["clips"]),
        "MAE bpm": _with_reach(row),
        "r": _shown(row["pearson"], 2),
        "within 3": _percent(row["within_3_bpm"]),
        "coverage": _percent(row["coverage"]),
    }


def _with_reach(row: Mapping[str, Any]) -> str:
    """Return the mean error with how far it is uncertain, 95 %, where that is known."""
    if row["mae_bpm"] is None:
        return "-"
    spread = row["uncertainty"]["mae_bpm"]
    if spread["interval_95"] is not None:
        low, high = spread["interval_95"]
        return f"{row['mae_bpm']:.2f} ± {(high - low) / 2:.1f}"
    if spread["standard_error"] is not None:
        return f"{row['mae_bpm']:.2f} ± {1.96 * spread['standard_error']:.1f}"
    return f"{row['mae_bpm']:.2f}"


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
            _shown(row[name], 3),
            _shown(spread["standard_error"], 3),
            "" if interval is None else f"{interval[0]:.3f} to {interval[1]:.3f}",
        )
    table.add_row("within 3 bpm", _percent(row["within_3_bpm"]), "", "")
    table.add_row("coverage", _percent(row["coverage"]), "", "")
    for name, error in row["by_group"].items():
        table.add_row(f"mae bpm, {name}", _shown(error, 3), "", "")
    return table


def _notes(row: Mapping[str, Any], results: int) -> list[str]:
    """Say what no metric says: clips left out, the device's reading, clips without a pulse."""
    said = []
    where = f"{row['method']}, {row['dataset']}: " if results > 1 else ""
    if row.get("unscored"):
        first = row["unscored"][0]
        said.append(
            f"{where}{len(row['unscored'])} of {row['clips_asked']} clips have no result, "
            f"{first['clip']}: {first['reason']}"
        )
    if row.get("no_pulse"):
        silent = row["no_pulse"]
        said.append(
            f"{where}of {silent['clips']} clips without a pulse, "
            f"{100 * silent['answered']:.0f} % were given a rate all the same"
        )
    if row.get("lost"):
        first = row["lost"][0]
        said.append(
            f"{len(row['lost'])} recordings of {row['dataset']} are not in the cache, "
            f"{first['clip']}: {first['reason']}"
        )
    if row.get("device"):
        device = row["device"]
        error = f"; the error against it is {device['mae_bpm']:.2f} bpm" if results == 1 else ""
        said.append(
            f"what the device of {row['dataset']} displayed is {device['own_wave_mae_bpm']:.2f} "
            f"bpm from its own wave{error}"
        )
    return said


def _shown(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.1f} %"
