"""Does the interpretation find what is planted, and nothing where nothing is?

* *power*: two-pole systems as weights of a network, noise on their taps; the whole pipeline from
  weights to verdict. Share with a positive verdict, share of claimed numbers within three
  Cramer-Rao deviations, root mean square error over that deviation, coverage of the intervals.
* *spread*: the same with the noise between clips, each clip with weights of its own, at a ratio of
  the mean kernel to it: what the gate on the ratio (``least_snr_db``) lets through.
* *nulls*: networks with random weights (other seeds than those that set the percentile) and kernels
  without an oscillator. Share with a positive verdict, and with a percentile of 95 or more alone.
* *whitening*: Kalman filters as weights, run on their own noisy signals: the poles of the loop from
  the kernel, those of the process from the probe.

``python -m pulsephase.experiments.interpret_validation`` writes
``experiments/results/interpret_validation.json``, part by part.

The pipeline of the command on a head and its signals alone, without video.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from pulsephase.files import write_json
from pulsephase.interpret.context import QUICK, synthetic_context
from pulsephase.interpret.derivatives import signal_rows
from pulsephase.interpret.nulls import DECISIVE, all_scores, head_kernels, nulls_of, plain_kernels
from pulsephase.interpret.planted import (
    SAMPLE_HZ,
    SYSTEMS,
    Planted,
    blank_head,
    head_of,
    held_out_nulls,
    noise_sd,
    seen_process,
    signals,
    system,
)
from pulsephase.interpret.probe import probe_head
from pulsephase.interpret.response import motions, output_times, response_of
from pulsephase.interpret.scores import energy_of, look_ahead, snr_db, time_invariance
from pulsephase.interpret.subject import random_head, random_network, wave_of
from pulsephase.interpret.system import system_of
from pulsephase.interpret.thresholds import thresholds
from pulsephase.interpret.verdict import Facts, verdict_of
from pulsephase.machine import revision
from pulsephase.models.config import CONFIGS, PhaseNetConfig
from pulsephase.models.constructive import load_linear
from pulsephase.models.tcn import GatedTCN, TemporalHead, UngatedTCN
from pulsephase.physics.consistency import null_kernels
from pulsephase.physics.doubling import doubling_stack
from pulsephase.physics.identify import cramer_rao, numbers_of
from pulsephase.physics.oscillator import Oscillator
from pulsephase.physics.whitening import noisy_oscillator, steady_kalman

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


RESULTS = Path(__file__).parent / "results" / "interpret_validation.json"
CLIPS, TIMES = 6, 2
HELD_OUT_SEED = 90_000
"""Of the random weights that are judged: far from those that set the percentile."""
CASES = 100
LENGTHS = (32, 128)
SNR_DB = 20.0
SPREAD_DB = (20.0, 23.0)  # at the gate, where half must pass by chance, and beyond it


def times_for(taps: int) -> list[int]:
    """Return output times that see all of a kernel, and a look-ahead."""
    return [taps + 16, taps + 60][:TIMES]


def power(
    kind: str, taps: int, *, cases: int = CASES, snr: float = SNR_DB, between: bool = False
) -> dict[str, Any]:
    """Plant systems of one kind with noise on their taps, and interpret them.

    Args:
        kind: Of the systems.
        taps: Of each kernel.
        cases: How many systems.
        snr: Mean tap power over the variance of a tap of the mean kernel, in dB.
        between: Whether each clip has its own noise, so that the ratio can be estimated; else all
            clips have the same, and it cannot.
    """
    inputs = signals(taps, clips=CLIPS, seed=1)
    scores = fixed_scores(lambda seed: blank_head(taps, seed=seed), inputs, taps=taps)
    rng = np.random.default_rng(taps + 7 * SYSTEMS.index(kind))
    positive, errors, covered = [], [], []
    for case in range(cases):
        planted = system(kind, taps=taps, rng=rng)
        sd = noise_sd(planted.kernel, snr_db=snr)
        own = CLIPS if between else 1
        noise = sd * np.sqrt(own) * rng.standard_normal((own, taps))
        heads = [head_of(planted.kernel + each) for each in noise]
        found = judge(
            heads if between else heads[0],
            inputs,
            scores=scores,
            times=times_for(taps),
            seed=case,
        )
        positive.append(found["outcome"] == "positive")
        if positive[-1]:
            each, inside = _errors(planted, found["poles"], sd)
            errors += each
            covered += inside
    ratio = np.abs(errors)
    return {
        "system": kind,
        "taps": taps,
        "snr_db": snr,
        "cases": cases,
        "power": float(np.mean(positive)),
        "claimed_numbers": len(errors),
        "within_3_sd": float((ratio <= 3).mean()) if len(ratio) else None,
        "rms_over_cramer_rao": float(np.sqrt((ratio**2).mean())) if len(ratio) else None,
        "median_over_cramer_rao": float(np.median(ratio)) if len(ratio) else None,
        "interval_coverage": float(np.mean(covered)) if covered else None,
    }


def _errors(
    planted: Planted, poles: list[dict[str, Any]], sd: float
) -> tuple[list[float], list[bool]]:
    """Return errors of claimed numbers over their Cramer-Rao deviation, and which were covered."""
    truth = numbers_of(planted.oscillator)
    bound = cramer_rao(planted.oscillator, planted.kernel[1:], sample_hz=SAMPLE_HZ, noise_sd=sd)
    errors, covered = [], []
    for pole in poles:
        if not pole["claimed"]:
            continue
        name = pole["number"]
        if name not in truth:  # another kind of pole than was planted: as wrong as can be
            errors.append(float("inf"))
            covered.append(False)
            continue
        errors.append((pole["value"] - truth[name]) / bound[name])
        low, high = pole["interval_95"]
        covered.append(low <= truth[name] <= high)
    return errors, covered


def false_positives(taps: int, *, cases: int = CASES) -> list[dict[str, Any]]:
    """Judge networks with random weights, and kernels without an oscillator as weights."""
    inputs = signals(taps, clips=CLIPS, seed=2)
    layers = taps.bit_length() - 1

    def gated(seed: int) -> GatedTCN:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            head = GatedTCN(1, 16, layers=layers - 1, kernel=3)
        return head.double().eval().requires_grad_(False)

    scores = fixed_scores(gated, inputs, taps=taps)
    heads: list[TemporalHead] = [gated(HELD_OUT_SEED + case) for case in range(cases)]
    rows = [_judged("random weights, gated", taps, heads, inputs, scores)]
    scores = fixed_scores(lambda seed: blank_head(taps, seed=seed), inputs, taps=taps)
    heads = [blank_head(taps, seed=HELD_OUT_SEED + case) for case in range(cases)]
    rows.append(_judged("random weights, linear", taps, heads, inputs, scores))
    for name, kernels in held_out_nulls(taps, count=cases, seed=HELD_OUT_SEED).items():
        heads = [head_of(kernel) for kernel in kernels]
        rows.append(_judged(name, taps, heads, inputs, scores))
    return rows


def false_positives_of(name: str, *, cases: int = CASES) -> dict[str, Any]:
    """Judge heads of a named config with random weights, on motion that a random network sees."""
    config = CONFIGS[name]
    budget = replace(QUICK, clips=CLIPS)
    inputs = motions(synthetic_context(random_network(config, seed=HELD_OUT_SEED), budget=budget))
    scores = fixed_scores(partial(_head, config), inputs, taps=config.receptive_field)
    heads = [_head(config, HELD_OUT_SEED + case) for case in range(cases)]
    times = output_times(inputs.shape[1], count=TIMES)
    return _judged(
        f"random weights, head of {name}",
        config.receptive_field,
        heads,
        inputs,
        scores,
        times=times,
    )


def _head(config: PhaseNetConfig, seed: int) -> TemporalHead:
    return random_head(config, seed=seed)


def _judged(
    name: str,
    taps: int,
    heads: list[TemporalHead],
    inputs: Float[Tensor, "clip time channel"],
    scores: Mapping[str, list[float]],
    *,
    times: list[int] | None = None,
) -> dict[str, Any]:
    found = [
        judge(head, inputs, scores=scores, times=times or times_for(taps), seed=case)
        for case, head in enumerate(heads)
    ]
    ranks = [each["null_percentile"] for each in found if each["null_percentile"] is not None]
    return {
        "null": name,
        "taps": taps,
        "cases": len(heads),
        "positive": sum(each["outcome"] == "positive" for each in found),
        "percentile_alone": int(sum(rank >= thresholds().percentile for rank in ranks)),
        "withheld": sum(each["outcome"] == "withheld" for each in found),
    }


def whitening(damping: float, snr: float, *, seconds: float = 60.0) -> dict[str, Any]:
    """Plant a Kalman filter, run it on its own process, and read both pairs of poles."""
    vessel = Oscillator.from_natural_hz(1.2, damping=damping)
    kalman = steady_kalman(noisy_oscillator(vessel, sample_hz=SAMPLE_HZ, snr_db=snr))
    layers = 8
    head = UngatedTCN(1, 2, layers=layers, kernel=2).double().requires_grad_(False)
    load_linear(head, doubling_stack(kalman.filter_system, layers=layers))
    inputs = seen_process(vessel, clips=CLIPS, snr_db=snr, frames=round(seconds * SAMPLE_HZ))
    times = [400, 500]
    response = response_of(signal_rows(partial(wave_of, head), inputs, times=times), times)
    loop = system_of(response, sample_hz=SAMPLE_HZ, seed=0, resamples=RESAMPLES)
    closed = np.log(np.linalg.eigvals(kalman.filter_system.transition).astype(complex)) * SAMPLE_HZ
    found = probe_head(head, inputs, direction=np.ones(1), times=times, sample_hz=SAMPLE_HZ)
    return {
        "damping": damping,
        "snr_db": snr,
        "loop_natural_hz": float(np.sqrt(closed.prod().real) / (2 * np.pi)),
        "read_from_kernel": {
            name: each["value"] for name, each in loop["oscillator"].get("numbers", {}).items()
        },
        "vessel": numbers_of(vessel),
        "read_from_probe": found["process"],
        "explained": found["explained"],
        "explained_by_autoregression": found["explained_by_autoregression"],
        "best_possible": 1 - kalman.innovation / (1 + 10 ** (-snr / 10)),
    }


def tasks() -> dict[str, Callable[[], dict[str, list[dict[str, Any]]]]]:
    """Return every part by name, the shortest first; each gives rows of one table."""
    found: dict[str, Callable[[], dict[str, list[dict[str, Any]]]]] = {}
    for damping, snr in product((0.05, 0.3, 1.5), (20.0, 0.0)):
        found[f"whitening {damping} {snr}"] = partial(_row, "whitening", whitening, damping, snr)
    for snr, kind in product(SPREAD_DB, SYSTEMS):
        found[f"spread {kind} {snr:g}"] = partial(
            _row, "spread", power, kind, LENGTHS[0], snr=snr, between=True
        )
    for taps, kind in product(LENGTHS, SYSTEMS):
        found[f"power {kind} {taps}"] = partial(_row, "power", power, kind, taps)
        if (taps, kind) == (LENGTHS[0], SYSTEMS[-1]):
            found["nulls of tiny"] = partial(_row, "nulls", false_positives_of, "tiny")
            found["nulls"] = lambda: {"nulls": false_positives(LENGTHS[0])}
    return found


def _row(
    table: str, make: Callable[..., dict[str, Any]], *given: Any, **options: Any
) -> dict[str, Any]:
    return {table: [make(*given, **options)]}


def main() -> None:
    """Add what is missing to the committed tables; a call that was cut off goes on."""
    torch.set_num_threads(1)
    held: dict[str, Any] = {"done": {}, "power": [], "spread": [], "nulls": [], "whitening": []}
    if RESULTS.is_file():
        held = json.loads(RESULTS.read_text(encoding="utf-8"))
    for name, make in tasks().items():
        if name in held["done"]:
            continue
        for table, rows in make().items():
            held.setdefault(table, []).extend(rows)
        held["done"][name] = revision()
        write_json(RESULTS, held)
        print(name)


if __name__ == "__main__":
    main()
