r"""From a measured pulse wave to an oscillator with intervals, or a reason why not.

The model is a sum of beats, each with its own time and height, through one oscillator, with a slow
baseline and a free initial state:

.. math:: y(t) = \sum_b a_b\,\varphi(t-t_b;\alpha,\omega,\dots) + \text{baseline} + \text{noise} .

All unknowns are estimated at once by Levenberg-Marquardt steps on closed forms, so that the
intervals hold what the unknown beats cost. What the forcing is cannot be known from the wave alone
(theorem ID): several are tried, compared by the Bayesian information criterion, and where those
that
explain the wave about as well disagree on the poles, the fit is refused with that reason.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Float64
from scipy.linalg import cho_factor, cho_solve
from scipy.stats import t as student

from pulsephase.checks import finite, positive
from pulsephase.errors import ParameterError
from pulsephase.physics.beats import PARAMETERS, STARTS, Forcing, beat_shape, find_beats
from pulsephase.physics.oscillator import Oscillator

SHORTEST_S, FEWEST_BEATS = 8.0, 6
BASELINE_HZ = 0.3
STEPS, COARSE_S = 60, 12.0
WIDEST = math.log(2.0)  # half width of an interval, as a factor of two
CLOSE_BIC, APART = 10.0, math.log(1.5)
UNEXPLAINED = 0.5
FORGOTTEN = 16.0  # time constants after which a beat is left out: 1e-7 of it
LEAD_S, AFTER = 0.12, 0.7  # kept before the first beat, and after the last, in beats
SETTLED = 1e-9
STARTS_HZ_DAMPING = ((1.2, 0.5), (3.0, 0.4), (1.5, 1.5), (5.0, 0.8))


@dataclass(frozen=True, slots=True, kw_only=True)
class ForcedFit:
    """The best oscillator under one forcing.

    Attributes:
        forcing: What a beat was taken to be.
        oscillator: The estimate.
        natural_hz: Interval of the undamped frequency in Hz.
        damping: Interval of the damping ratio; with ``natural_hz`` it holds jointly.
        extra: The forcing's own parameters by name.
        unexplained: Share of the wave's variance, less its baseline, that is left.
        bic: Bayesian information criterion; lower is better.
        beats_s: Estimated times of the beats in s.
        start_s: Time of the first fitted sample in s.
        wave: The fitted wave, of variance 1, from ``start_s`` on.
    """

    forcing: Forcing
    oscillator: Oscillator
    natural_hz: tuple[float, float]
    damping: tuple[float, float]
    extra: dict[str, float]
    unexplained: float
    bic: float
    beats_s: Float64[np.ndarray, " beat"]
    start_s: float
    wave: Float64[np.ndarray, " time"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OscillatorFit:
    """The fits under all forcings, the best first, and whether the poles can be told.

    Attributes:
        fits: One for each forcing tried, by information criterion.
        refused: Why the poles cannot be told from this wave; empty if they can.
        level: Confidence of the intervals, both together.
    """

    fits: tuple[ForcedFit, ...]
    refused: str
    level: float

    @property
    def best(self) -> ForcedFit:
        """The fit with the lowest criterion."""
        return self.fits[0]


def fit_oscillator(
    wave: Float[np.ndarray, " time"],
    *,
    sample_hz: float,
    beats_s: Float[np.ndarray, " beat"] | None = None,
    forcings: tuple[Forcing, ...] = ("impulse", "half_sine", "reflected"),
    level: float = 0.95,
) -> OscillatorFit:
    """Fit an oscillator to a pulse wave under several forcings.

    Args:
        wave: The pulse, systole upwards, evenly sampled, without gaps.
        sample_hz: Samples per second.
        beats_s: Approximate times of the beats in s; found in the wave if not given.
        forcings: What a beat may be; each is fitted.
        level: Confidence with which both intervals together hold the poles, if the forcing is
            right and the noise white.

    Returns:
        The fits, best first, and a reason if the poles cannot be told.

    Raises:
        ParameterError: If the wave is not finite, shorter than 8 s, constant, or has fewer than
            six beats; if the level is not between 0 and 1; if there is no forcing.
    """
    positive(sample_hz=sample_hz)
    if not np.isfinite(np.asarray(wave)).all():
        raise ParameterError("the wave has gaps (values that are not finite); cut or fill them")
    finite("wave", wave)
    if not 0 < level < 1 or not forcings:
        raise ParameterError(f"level is {level} with forcings {forcings}; give 0 < level < 1, one")
    y = np.asarray(wave, dtype=np.float64)
    if len(y) < SHORTEST_S * sample_hz:
        raise ParameterError(
            f"the wave lasts {len(y) / sample_hz:.1f} s; a fit needs at least {SHORTEST_S:g} s"
        )
    scale = float(y.std())
    if scale <= 1e-9 * max(1.0, float(np.abs(y).max())):
        raise ParameterError("the wave is constant: it has no pulse; is it the right column?")
    beats = find_beats(y, sample_hz=sample_hz) if beats_s is None else np.asarray(beats_s, float)
    if len(beats) < FEWEST_BEATS:
        raise ParameterError(
            f"{len(beats)} beats found; a fit needs at least {FEWEST_BEATS}: is it a pulse wave?"
        )
    y, beats, start_s = _between_beats(y, beats, sample_hz)
    fits = [
        _forced((y - y.mean()) / scale, sample_hz, beats, each, level, start_s) for each in forcings
    ]
    fits.sort(key=lambda fit: fit.bic)
    return OscillatorFit(fits=tuple(fits), refused=_refusal(fits), level=level)


def _between_beats(
    y: Float64[np.ndarray, " time"], beats: Float64[np.ndarray, " beat"], sample_hz: float
) -> tuple[Float64[np.ndarray, " span"], Float64[np.ndarray, " beat"], float]:
    """Return the wave from the first beat to before the one that would follow the last.

    Before the first beat the forcing of the beat before has ended, and what is left of it is the
    free initial state; after the last no beat that was not found can lie.
    """
    first = max(0, math.floor((beats[0] - LEAD_S) * sample_hz))
    last = min(
        len(y), math.ceil((beats[-1] + AFTER * float(np.median(np.diff(beats)))) * sample_hz)
    )
    return y[first:last], beats - first / sample_hz, first / sample_hz


def _refusal(fits: list[ForcedFit]) -> str:
    """Return why the poles cannot be told, or nothing."""
    best = fits[0]
    if best.unexplained > UNEXPLAINED:
        share = 100 * best.unexplained
        return f"no forcing explains the wave: {share:.0f} % of its variance is left"
    for name in ("natural_hz", "damping"):
        low, high = getattr(best, name)
        if not high / low < math.exp(2 * WIDEST):
            return f"the data cannot tell the {name}: from {low:.2g} to {high:.2g}"
    for other in fits[1:]:
        if other.bic - best.bic < CLOSE_BIC:
            for name in ("omega_rad_s", "alpha_per_s"):
                ratio = getattr(other.oscillator, name) / getattr(best.oscillator, name)
                times = math.exp(abs(math.log(ratio)))
                if math.log(times) > APART:
                    return (
                        f"the poles depend on the forcing: {best.forcing} and {other.forcing} "
                        f"explain the wave as well, and differ {times:.1f} "
                        "times (theorem ID: the wave alone cannot tell)"
                    )
    return ""


def _forced(
    y: Float64[np.ndarray, " time"],
    sample_hz: float,
    beats: Float64[np.ndarray, " beat"],
    forcing: Forcing,
    level: float,
    start_s: float,
) -> ForcedFit:
    """Fit one forcing: coarsely on the first seconds from several starts, then on all."""
    few = round(COARSE_S * sample_hz)
    early = beats[beats < COARSE_S - 0.3]
    best: tuple[float, Any] = (math.inf, None)
    for hertz, damping in STARTS_HZ_DAMPING:
        omega = 2 * math.pi * hertz
        start = np.array([math.log(2 * damping * omega), math.log(omega), *STARTS[forcing]])
        model = _Model(y[:few], sample_hz, forcing)
        theta, _, cost = model.solve(start, early, steps=15)
        if cost < best[0]:
            best = (cost, theta)
    model = _Model(y, sample_hz, forcing)
    theta, times, cost = model.solve(best[1], beats, steps=STEPS)
    design = model.design(theta, times)
    heights = design.linear_fit(y)
    jacobian = design.jacobian(heights)
    residual = y - design.linear @ heights
    free = len(y) - jacobian.shape[1]
    variance = float(residual @ residual) / free
    size = len(theta)
    information = jacobian.T @ jacobian
    covariance = variance * np.linalg.pinv(information, hermitian=True)[:size, :size]
    reach = float(student.ppf(1 - (1 - level) / 4, free))  # Bonferroni: two intervals
    alpha, omega = math.exp(theta[0]), math.exp(theta[1])
    sd_omega = math.sqrt(max(covariance[1, 1], 0.0))
    turn = np.array([1.0, -1.0])
    sd_damping = math.sqrt(max(float(turn @ covariance[:2, :2] @ turn), 0.0))
    hertz, ratio = omega / (2 * math.pi), alpha / (2 * omega)
    baseline = design.linear[:, len(times) :] @ heights[len(times) :]
    count = jacobian.shape[1] + 1
    return ForcedFit(
        forcing=forcing,
        oscillator=Oscillator(alpha_per_s=alpha, omega_rad_s=omega),
        natural_hz=_spread(hertz, reach * sd_omega),
        damping=_spread(ratio, reach * sd_damping),
        extra=dict(zip(PARAMETERS[forcing], map(float, theta[2:]), strict=True)),
        unexplained=float(residual.var() / (y - baseline).var()),
        bic=len(y) * math.log(cost / len(y)) + count * math.log(len(y)),
        beats_s=times + start_s,
        start_s=start_s,
        wave=design.linear @ heights,
    )


def _spread(value: float, log_half: float) -> tuple[float, float]:
    half = math.exp(min(log_half, 50.0))
    return value / half, value * half


@dataclass(slots=True)
class _Design:
    """The columns of one point: what is linear, and the slopes of what is not."""

    linear: Float64[np.ndarray, "time column"]
    by_time: Float64[np.ndarray, "time beat"]
    by_theta: Float64[np.ndarray, "theta time beat"]

    def linear_fit(self, y: Float64[np.ndarray, " time"]) -> Float64[np.ndarray, " column"]:
        gram = self.linear.T @ self.linear
        diagonal = np.diag_indices_from(gram)
        gram[diagonal] += 1e-10 * gram[diagonal] + 1e-11 * gram[diagonal].max()  # columns may touch
        return np.asarray(cho_solve(cho_factor(gram), self.linear.T @ y))

    def jacobian(self, heights: Float64[np.ndarray, " column"]) -> Float64[np.ndarray, "time _"]:
        beats = heights[: self.by_time.shape[1]]
        theta = (self.by_theta @ beats).T
        return np.concatenate([theta, self.by_time * beats, self.linear], axis=1)


class _Model:
    """One wave under one forcing."""

    def __init__(self, y: Float64[np.ndarray, " time"], sample_hz: float, forcing: Forcing) -> None:
        self.y, self.forcing, self.sample_hz = y, forcing, sample_hz
        self.times = np.arange(len(y)) / sample_hz
        count = 1 + 2 * round(BASELINE_HZ * len(y) / sample_hz)
        steps = np.pi * (np.arange(len(y)) + 0.5) / len(y)
        cosines = np.cos(np.outer(steps, np.arange(count)))
        line = 2 * steps / np.pi - 1  # cosines are flat at the ends, a breath is not
        self.baseline = np.concatenate([cosines, np.stack([line, line**2, line**3], 1)], axis=1)

    def design(
        self, theta: Float64[np.ndarray, " theta"], beats: Float64[np.ndarray, " beat"]
    ) -> _Design:
        """Return the columns, the slopes by central differences of the closed form."""
        shape = self._shape(theta, beats)
        width = 1e-5
        by_time = -(self._shape(theta, beats, width) - self._shape(theta, beats, -width))
        slopes = []
        for k in range(len(theta)):
            step = np.zeros(len(theta))
            step[k] = width
            ahead, behind = self._shape(theta + step, beats), self._shape(theta - step, beats)
            slopes.append((ahead - behind) / (2 * width))
        start = self._free(theta)
        linear = np.concatenate([shape, start, self.baseline], axis=1)
        return _Design(linear=linear, by_time=by_time / (2 * width), by_theta=np.array(slopes))

    def cost(
        self, theta: Float64[np.ndarray, " theta"], beats: Float64[np.ndarray, " beat"]
    ) -> float:
        """Return the sum of squares that the best heights leave."""
        shape = self._shape(theta, beats)
        linear = np.concatenate([shape, self._free(theta), self.baseline], axis=1)
        design = _Design(linear=linear, by_time=shape, by_theta=shape[None])
        rest = self.y - linear @ design.linear_fit(self.y)
        return float(rest @ rest)

    def solve(
        self,
        theta: Float64[np.ndarray, " theta"],
        beats: Float64[np.ndarray, " beat"],
        *,
        steps: int,
    ) -> tuple[Float64[np.ndarray, " theta"], Float64[np.ndarray, " beat"], float]:
        """Return parameters and times of the beats at a minimum, and its sum of squares."""
        lead = 0.0 if self.forcing == "impulse" else theta[2] / 2
        theta, beats = theta.copy(), beats - lead
        cost, damp = self.cost(theta, beats), 1e-2
        size = len(theta)
        for _ in range(steps):
            design = self.design(theta, beats)
            heights = design.linear_fit(self.y)
            jacobian = design.jacobian(heights)
            rest = self.y - design.linear @ heights
            gram, slope = jacobian.T @ jacobian, jacobian.T @ rest
            before = cost
            for _ in range(6):
                damped = gram + damp * np.diag(np.diag(gram) + 1e-12)
                move = np.linalg.solve(damped, slope)
                new_theta = theta + np.clip(move[:size], -0.5, 0.5)
                new_theta = self._within(new_theta)
                shift = np.clip(move[size : size + len(beats)], -0.05, 0.05)
                new_cost = self.cost(new_theta, beats + shift)
                if new_cost < cost:
                    theta, beats, cost = new_theta, beats + shift, new_cost
                    damp = max(damp / 5, 1e-9)
                    break
                damp *= 5
            if before - cost < SETTLED * before:
                break
        return theta, beats, cost

    def _within(self, theta: Float64[np.ndarray, " theta"]) -> Float64[np.ndarray, " theta"]:
        """Keep the forcing's parameters in their ranges, the poles in any that frames can show."""
        low = [math.log(0.05), math.log(0.5), 0.03, -0.95, 0.08][: len(theta)]
        high = [math.log(500.0), math.log(200.0), 0.6, 0.95, 0.6][: len(theta)]
        return np.asarray(np.clip(theta, low, high), dtype=np.float64)

    def _shape(
        self,
        theta: Float64[np.ndarray, " theta"],
        beats: Float64[np.ndarray, " beat"],
        later_s: float = 0.0,
    ) -> Float64[np.ndarray, "time beat"]:
        """Return one column a beat, evaluated only where it has not died out."""
        alpha, omega = math.exp(theta[0]), math.exp(theta[1])
        memory = FORGOTTEN / min(alpha / 2, omega**2 / alpha) + 1.5
        count = min(len(self.times), max(2, math.ceil(memory * self.sample_hz)))
        first = np.ceil(beats * self.sample_hz).astype(int) - 1
        index = first[:, None] + np.arange(count)
        lags = index / self.sample_hz - beats[:, None] + later_s
        values = beat_shape(
            self.forcing, lags, alpha_per_s=alpha, omega_rad_s=omega, extra=tuple(theta[2:])
        )
        inside = (index >= 0) & (index < len(self.times))
        found = np.zeros((len(self.times), len(beats)))
        column = np.broadcast_to(np.arange(len(beats))[:, None], index.shape)
        found[index[inside], column[inside]] = values[inside]
        return found

    def _free(self, theta: Any) -> Any:
        """Return what an initial position and velocity do."""
        alpha, omega = math.exp(theta[0]), math.exp(theta[1])
        mode = Oscillator(alpha_per_s=alpha, omega_rad_s=omega)
        late = mode.impulse_response(self.times)
        width = 1e-5
        slope = (mode.impulse_response(self.times + width) - late) / width
        return np.stack([late * omega, slope], axis=1)
