"""The pipeline of the command on a head and its signals alone, without video."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from pulsephase.experiments.interpret.adapter import wave_of
from pulsephase.experiments.interpret.jacobian import signal_rows
from pulsephase.experiments.interpret.nulls import (
    DECISIVE,
    all_scores,
    head_kernels,
    nulls_of,
    plain_kernels,
)
from pulsephase.experiments.interpret.planted import SAMPLE_HZ
from pulsephase.experiments.interpret.response import response_of
from pulsephase.experiments.interpret.scores import energy_of, look_ahead, snr_db, time_invariance
from pulsephase.experiments.interpret.system import system_of
from pulsephase.experiments.interpret.thresholds import thresholds
from pulsephase.experiments.interpret.verdict import Facts, verdict_of
from pulsephase.models.temporal_head import TemporalHead
from pulsephase.physics.consistency import null_kernels

DRAWS, RESAMPLES = 99, 20
SETTING_SEED = 50_000
"""Of the random weights that set the percentile."""


def judge(
    head: TemporalHead | Sequence[TemporalHead],
    inputs: Float[Tensor, "clip time channel"],
    *,
    scores: Mapping[str, list[float]],
    times: list[int],
    seed: int,
) -> dict[str, Any]:
    """Run the pipeline on a head: response, system, nulls, verdict, as `analyse` does on video.

    Args:
        head: What is interpreted; several, one a clip, are a network whose response differs from
            clip to clip.
        inputs: Operating points.
        scores: Of the nulls that do not depend on the head's kernel (`fixed_scores`).
        times: Output times.
        seed: Of the permuted taps and the bootstrap.
    """
    if isinstance(head, TemporalHead):
        rows = signal_rows(partial(wave_of, head), inputs, times=times)
    else:
        each = zip(head, torch.split(inputs, 1), strict=True)
        rows = np.concatenate([signal_rows(partial(wave_of, h), x, times=times) for h, x in each])
    response = response_of(rows, times)
    found = system_of(response, sample_hz=SAMPLE_HZ, seed=seed, resamples=RESAMPLES)
    kernel, energy = response.kernels.mean, energy_of(response.rows)
    permuted = null_kernels(kernel, null="permuted", count=DRAWS, sample_hz=SAMPLE_HZ, seed=seed)
    own = all_scores({"permuted taps": permuted}, sample_hz=SAMPLE_HZ)
    compared = nulls_of(response, {**scores, **own}, sample_hz=SAMPLE_HZ)
    reach = look_ahead(energy, response.lags, floor=thresholds().look_ahead_floor)
    ratio = snr_db(response.kernels.by_clip)
    facts = Facts(
        clips=len(inputs),
        taps=response.taps,
        snr_db=ratio if np.isfinite(ratio) else None,
        causality=response.causality,
        look_ahead=reach.frames,
        at_least=reach.at_least,
        time_invariance=time_invariance(response.rows)["all"],
        direction=response.kernels.share,
        scores=found.get("scores"),
        oscillator=found.get("oscillator", {"withheld": "no kernel"}),
        nulls={
            name: (null["percentile"], len(null["scores"]))
            for name, null in compared.get("nulls", {}).items()
        },
    )
    return verdict_of(facts) | {"oscillator": facts.oscillator}


def fixed_scores(
    make: Callable[[int], TemporalHead], inputs: Float[Tensor, "clip time channel"], *, taps: int
) -> dict[str, list[float]]:
    """Return the scores that set the percentiles: random weights, and kernels of no network."""
    made = plain_kernels(np.ones(taps), count=DRAWS, sample_hz=SAMPLE_HZ, seed=SETTING_SEED)
    kept = {name: made[name] for name in ("gabor", "noise", "plain filter")}
    kept[DECISIVE] = head_kernels(make, inputs, taps=taps, draws=DRAWS, seed=SETTING_SEED)
    return all_scores(kept, sample_hz=SAMPLE_HZ)
