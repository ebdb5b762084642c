"""The curves of robustness, as the ledger's page shows them."""

from collections.abc import Iterator, Mapping
from typing import Any

from pulsephase.experiments.ledger.curves import trained_range
from pulsephase.experiments.ledger.markdown import each, gain, made_by, percent, table


def curve_tables(rows: Mapping[str, Any]) -> Iterator[str]:
    """Yield the section on one difficulty at a time: each axis, each network with its own crops."""
    if not rows:
        return
    first = next(iter(rows.values()))["protocol"]
    yield "## One difficulty at a time\n"
    yield (
        f"Preset `easy` with a pulse of {100 * first['amplitude']:g} %, one axis pinned to a "
        f"level; {first['clips']} clips a level, the same seeds at every level; within 3 bpm in "
        "percent. A network is the mean over its seeds; POS, CHROM and GREEN see the crops that it "
        "sees, on the better of crop and skin mask, chosen a level. The difference is to the best "
        "of the three at that level, which favours it; the interval draws clips and seeds. Levels "
        "with a star lie outside of what the networks were trained on.\n"
    )
    for axis, row in rows.items():
        low, high = trained_range(axis)
        yield f"### {axis}: {row['meaning']}\n"
        for name, seeds in row["protocol"]["seeds"].items():
            size = row["protocol"]["size"][name]
            yield f"`{name}`, seeds {', '.join(map(str, seeds))}, crops of {size} px:\n"
            yield table(
                ["level", f"`{name}`", "each seed", "POS", "CHROM", "GREEN", "difference to best"],
                [
                    _level(point["level"], point["networks"][name], low <= point["level"] <= high)
                    for point in row["points"]
                ],
            )
        yield made_by(row)


def _level(level: float, found: Mapping[str, Any], trained: bool) -> list[str]:
    return [
        f"{level:g}" if trained else f"{level:g} \\*",
        percent(found["within_3_bpm"]),
        each(found["within_3_bpm_by_seed"]),
        *(percent(found[method]) for method in ("pos", "chrom", "green")),
        f"{found['minus_best']['method'].upper()}: {gain(found['minus_best'])}",
    ]
