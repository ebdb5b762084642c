"""Interpret shipped weights for the documentation: the analysis as JSON, its figures as files.

``python -m pulsephase.experiments.interpret_tutorial tiny`` writes
``experiments/results/interpret-tiny.json`` and ``docs/interpret/tiny-*.svg``; the numbers in
``docs/explanation/what-base-has-learnt.md`` are tested against that file.
"""

import json
import sys
from pathlib import Path
from typing import Any

import torch

from pulsephase.files import whole_file
from pulsephase.interpret.analyse import analyse
from pulsephase.interpret.context import synthetic_context
from pulsephase.interpret.report import all_figures
from pulsephase.interpret.subject import open_network

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "experiments" / "results"
DOCS = ROOT / "docs" / "figures" / "interpret"
DIGITS = 5
FIGURES = (
    "kernels",
    "colours",
    "bode",
    "poles",
    "nulls",
    "depth",
    "forcing",
    "masks",
    "attributions",
)


def rounded(value: Any) -> Any:
    """Return plain data with its numbers to five digits.

    Example:
        >>> rounded({"a": [0.123456789, 2]})
        {'a': [0.12346, 2]}
    """
    match value:
        case dict():
            return {key: rounded(item) for key, item in value.items()}
        case list() | tuple():
            return [rounded(item) for item in value]
        case float():
            return float(f"{value:.{DIGITS}g}")
    return value


def path_of(name: str) -> Path:
    """Return where the analysis of shipped weights is kept."""
    return RESULTS / f"interpret-{name}.json"


def write_figures(name: str, analysis: dict[str, Any]) -> list[Path]:
    """Write the tutorial's figures and return their paths."""
    DOCS.mkdir(parents=True, exist_ok=True)
    written = []
    for figures in all_figures(analysis, {}).values():
        for figure in figures:
            if figure.name in FIGURES:
                written.append(DOCS / f"{name}-{figure.name}.svg")
                with whole_file(written[-1]) as temporary:
                    temporary.write_text(figure.alone(), encoding="utf-8")
    return written


def main(names: list[str]) -> None:
    """Analyse each of the named weights with the full budget, and draw."""
    torch.set_num_threads(1)
    for name in names:
        found = rounded(analyse(synthetic_context(open_network(name))))
        with whole_file(path_of(name)) as temporary:
            text = json.dumps(found, allow_nan=False, separators=(",", ":"))
            temporary.write_text(text + "\n", encoding="utf-8")
        print(found["verdict"]["sentence"])
        for path in write_figures(name, found):
            print(path.relative_to(ROOT))


if __name__ == "__main__":
    main(sys.argv[1:] or ["tiny"])
