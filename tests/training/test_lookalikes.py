"""A look-alike of UBFC-rPPG trains, and the lag that was planted in its labels is found."""

from pathlib import Path

import pytest
from lookalikes import lookalike_cache
from trainings import FRAMES, small, split_file

from pulsephase.synthetic.lookalike import LAG_S
from pulsephase.training.config import CachedSource
from pulsephase.training.fit import fit, prepare
from pulsephase.video.datasets.cache import Cache


def trained(folder: Path, name: str, *, steps: int, seconds: float) -> tuple[str, ...]:
    """Train on all but one subject; return the subjects that were trained on."""
    cache = lookalike_cache(folder, name, subjects=2, seconds=seconds)
    subjects = sorted({entry.subject for entry in Cache(cache).entries})
    split = split_file(folder / "split.json", train=subjects[:-1], test=subjects[-1:])
    source = CachedSource(cache=str(cache), split=split)
    result = fit(small(cached=(source,), sources=(), steps=steps))
    assert result.best_step == steps and len(result.history) == -(-steps // 2)
    assert result.described["recorded"][0]["dataset"] == name
    assert str(cache) in result.lags
    names = {entry.name: entry.subject for entry in Cache(cache).entries}
    return tuple(sorted({names[n] for n in result.described["recorded"][0]["training"]}))


def test_ubfc_trains_for_twenty_steps(tmp_path: Path) -> None:
    assert trained(tmp_path, "ubfc", steps=20, seconds=FRAMES / 30 + 0.5) == ("subject1",)


@pytest.mark.slow
def test_the_planted_lag_of_the_finger_is_found_on_training_clips(tmp_path: Path) -> None:
    cache = lookalike_cache(tmp_path, "ubfc", subjects=4, seconds=12.0, size=12)
    config = small(cached=(CachedSource(cache=str(cache)),), sources=())
    lag = prepare(config).lags[str(cache)]
    assert lag["used"] >= 2
    assert lag["frames"] == pytest.approx(30 * LAG_S, abs=1.0)
