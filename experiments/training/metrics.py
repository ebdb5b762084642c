"""The log of a run as one CSV that grows, and that an interrupted run takes up where it stands."""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any, final

from lightning.pytorch.loggers.logger import Logger
from lightning.pytorch.utilities import rank_zero_only

from pulsephase.files import whole_file

COLUMNS = (
    "step",
    "loss",
    "validation_loss",
    "learning_rate",
    "gradient_norm",
    "clips_per_s",
    "data_share",
)
"""``data_share`` is the share of the time that was spent waiting for clips."""


@final
class CsvLog(Logger):
    """Appends a row each time; rows beyond the step that a run is taken up from are dropped.

    Args:
        path: Of the file.
        step: The step that the run goes on from.
    """

    def __init__(self, path: Path, *, step: int) -> None:
        super().__init__()
        self.path = path
        kept = [row for row in rows(path) if int(row["step"]) <= step] if path.exists() else []
        with whole_file(path) as temporary, temporary.open("w", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows(kept)

    @property
    def name(self) -> str:
        """Name of the log."""
        return "csv"

    @property
    def version(self) -> str:
        """There is one."""
        return ""

    @rank_zero_only
    def log_hyperparams(self, params: Any, *args: Any, **kwargs: Any) -> None:
        """Write nothing: the run's folder holds its config."""

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Append a row."""
        with self.path.open("a", newline="") as file:
            csv.DictWriter(file, COLUMNS).writerow({"step": step, **metrics})


def rows(path: Path) -> list[dict[str, str]]:
    """Read the rows of a log; a last one that was cut off is left out."""
    with path.open(newline="") as file:
        found = [row for row in csv.DictReader(file) if row["step"].isdigit()]
    return [row for row in found if None not in row.values()]
