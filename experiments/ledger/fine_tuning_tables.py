"""Fine-tuning, as the ledger's page shows it."""

from collections.abc import Iterator, Mapping
from typing import Any

from pulsephase.experiments.ledger.markdown import made_by, percent, table


def fine_tuning_tables(rows: Mapping[str, Any]) -> Iterator[str]:
    """Yield a section a set: what synthetic weights save, by number of subjects."""
    for row in rows.values():
        yield "## Fine-tuning from synthetic weights, against from scratch\n"
        yield row["meaning"] + "\n"
        yield (
            "Within 3 bpm before any of it: "
            + ", ".join(
                f"`{method}` {percent(found['within_3_bpm'])} %"
                for method, found in row.get("before", {}).items()
            )
            + ".\n"
        )
        rates, seeds = row["protocol"]["learning_rate"], row["protocol"]["seeds"]
        yield (
            f"Seeds {', '.join(map(str, seeds))}; {row['protocol']['steps']} steps; learning rate "
            f"{rates['fine_tuned']:g} fine-tuned, {rates['from_scratch']:g} from scratch; in "
            "brackets each seed.\n"
        )
        body = [
            [
                str(point["subjects"]),
                percent(point["fine_tuned"]["within_3_bpm"]),
                percent(point["from_scratch"]["within_3_bpm"]),
                _mae(point["fine_tuned"]),
                _mae(point["from_scratch"]),
            ]
            for point in row["points"]
        ]
        yield table(
            [
                "training subjects",
                "fine-tuned, within 3 bpm",
                "from scratch",
                "fine-tuned, MAE bpm",
                "from scratch",
            ],
            body,
        )
        yield made_by(row)


def _mae(found: Mapping[str, Any]) -> str:
    seeds = ", ".join(f"{each:.2f}" for each in found["mae_bpm_by_seed"])
    return f"{found['mae_bpm']:.2f} ({seeds})"
