"""The tables of `accuracy.py` as the docs show them."""

from typing import Any

from pulsephase.experiments.accuracy import COLOURS, FIGURES, FRAME_HZ

ESTIMATORS = ("spectrum", "autocorrelation", "beats")


def tables(results: dict[str, Any]) -> dict[str, str]:
    """Lay the results out as the docs show them, by name."""
    return {
        "rates": _table(
            ["length", "ratio", "given", "of these within 1 bpm", "within 3 bpm", "of all"],
            [
                [f"{row['length_s']:g} s", f"{row['snr_db']:g} dB"]
                + [
                    _percent(row[key])
                    for key in ("given", "given_within_1", "given_within_3", "all_within_3")
                ]
                for row in results["rates"]
            ],
        ),
        "noise": _table(
            ["length", *COLOURS, "tone, 10 to 40 bpm/s", "tone outside 36 to 240 bpm"],
            [
                [f"{row['length_s']:g} s"]
                + [_percent(row[kind]) for kind in (*COLOURS, "swept", "outside")]
                for row in results["noise"]
            ],
        ),
        "octaves": _table(
            ["second harmonic's power", *COLOURS],
            [
                [row["harmonic"]]
                + [" / ".join(f"{100 * share:.2f}" for share in row[colour]) for colour in COLOURS]
                for row in results["octaves"]
            ],
        ),
        "estimators": _table(
            ["ratio", *ESTIMATORS],
            [
                [f"{row['snr_db']:g} dB"]
                + [
                    f"{_percent(row[name]['within_3'])}, {row[name]['median_error_bpm']:.2f} bpm"
                    for name in ESTIMATORS
                ]
                for row in results["estimators"]
            ],
        ),
        "intervals": _table(
            ["white noise", *(f"{hz:g} Hz" for hz in FRAME_HZ)],
            [
                [f"{row['noise']:g}", *(f"{row[f'{hz:g}_hz']:.1f} ms" for hz in FRAME_HZ)]
                for row in results["intervals"]
            ],
        ),
        "conventions": _table(
            ["convention", "MAE, bpm", "RMSE, bpm", "MAPE", "Pearson's r", "SNR, dB", "MACC"],
            [
                [
                    f"`{row['convention']}`",
                    *(f"{row[name]:.2f}" for name in ("mae", "rmse")),
                    f"{row['mape']:.1f} %",
                    f"{row['pearson']:.3f}",
                    f"{row['snr']:.1f}",
                    f"{row['macc']:.2f}",
                ]
                for row in results["conventions"]
            ],
        ),
        "variability": _table(
            ["rate", "white noise", "SDNN", "RMSSD", "pNN50", "LF", "HF", "LF/HF"],
            [
                [f"{row['sample_hz']:g} Hz", f"{row['noise']:g}"]
                + [f"{row[name]:.2f}" for name in FIGURES]
                for row in results["variability"]
            ],
        ),
    }


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f} %"
