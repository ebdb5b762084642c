r"""What a network that estimates must do: the steady Kalman filter, a causal convolution.

An oscillator driven by white noise, seen as :math:`y=z+n`. The best causal linear estimate is

.. math:: \hat z_{t|t} = \sum_m C\left[(I-KC)A\right]^m K\,y_{t-m},

whose poles are those of the closed loop :math:`F=(I-KC)A`, set by the noise as much as by the
vessel. The one-step predictor :math:`p[m] = CAF^mK` turns :math:`y` into white innovations through
:math:`1-\sum_m p[m]q^{m+1} = \det(I-Aq)/\det(I-Fq)`: **the poles of the oscillator are the zeros of
the whitening filter** (Kailath, Sayed & Hassibi, Linear Estimation, ch. 9).
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Complex128, Float, Float64
from scipy.linalg import expm, solve_discrete_are, solve_discrete_lyapunov, toeplitz

from pulsephase.checks import at_least, finite, positive
from pulsephase.errors import ParameterError
from pulsephase.physics.doubling import StateSpace
from pulsephase.physics.oscillator import Oscillator
from pulsephase.physics.pencil import pencil_poles


@dataclass(frozen=True, slots=True, kw_only=True)
class NoisyOscillator:
    r"""A white-driven oscillator of unit variance, sampled, in white noise.

    Attributes:
        transition: :math:`A = e^{A_ch}` of :math:`(z,\dot z)`.
        process: Covariance of what one step adds to the state.
        stationary: Covariance of the state; its first entry is 1.
        noise: Variance of the noise on each sample.
    """

    transition: Float64[np.ndarray, "2 2"]
    process: Float64[np.ndarray, "2 2"]
    stationary: Float64[np.ndarray, "2 2"]
    noise: float

    def autocovariance(self, length: int) -> Float64[np.ndarray, " length"]:
        r"""Return :math:`E[z_tz_{t+k}] = (A^kP)_{11}` for :math:`k` below ``length``."""
        column = StateSpace(
            transition=self.transition, drive=self.stationary[:, 0], readout=np.array([1.0, 0.0])
        )
        return column.kernel(length)


@dataclass(frozen=True, slots=True, kw_only=True)
class SteadyKalman:
    r"""The Kalman filter after its start-up.

    Attributes:
        model: What it filters.
        gain: :math:`K`.
        filter_system: Takes samples to :math:`\hat z_{t|t}`.
        predictor_system: Takes samples to :math:`\hat z_{t+1|t}`.
        innovation: Variance of the innovations.
        error: Variance of :math:`z_t-\hat z_{t|t}`.
    """

    model: NoisyOscillator
    gain: Float64[np.ndarray, " 2"]
    filter_system: StateSpace
    predictor_system: StateSpace
    innovation: float
    error: float

    def whitening_kernel(self, length: int) -> Float64[np.ndarray, " length"]:
        r"""Return the taps of :math:`1-\sum_mp[m]q^{m+1}`, which turns samples into innovations.

        Raises:
            ParameterError: If the length is below 2.
        """
        at_least("length", length, 2)
        return np.concatenate([[1.0], -self.predictor_system.kernel(length - 1)])


def noisy_oscillator(oscillator: Oscillator, *, sample_hz: float, snr_db: float) -> NoisyOscillator:
    r"""Return the sampled oscillator driven by white noise, scaled to unit variance.

    The process covariance :math:`\int_0^h e^{A_cs}bb^\top e^{A_c^\top s}ds` is exact, by the matrix
    exponential of Van Loan (1978).

    Args:
        oscillator: The oscillator; damped, or it has no stationary state.
        sample_hz: Frames per second.
        snr_db: Variance of the oscillator over that of the noise on each sample, in dB.

    Raises:
        ParameterError: If the damping or rate is not positive, or the ratio not finite.
    """
    positive(sample_hz=sample_hz, alpha_per_s=oscillator.alpha_per_s)
    finite("snr_db", snr_db)
    flow = np.array([[0.0, 1.0], [-(oscillator.omega_rad_s**2), -oscillator.alpha_per_s]])
    block = np.zeros((4, 4))
    block[:2, :2], block[2:, 2:] = -flow, flow.T
    block[1, 3] = 1.0
    power = expm(block / sample_hz)
    transition = power[2:, 2:].T
    process = transition @ power[:2, 2:]
    stationary = solve_discrete_lyapunov(transition, process)
    scale = stationary[0, 0]
    return NoisyOscillator(
        transition=np.asarray(transition),
        process=np.asarray(process / scale),
        stationary=np.asarray(stationary / scale),
        noise=float(10 ** (-snr_db / 10)),
    )


def steady_kalman(model: NoisyOscillator) -> SteadyKalman:
    """Return the steady Kalman filter, by the algebraic Riccati equation.

    Example:
        >>> mode = Oscillator.from_natural_hz(1.2, damping=0.05)
        >>> model = noisy_oscillator(mode, sample_hz=30.0, snr_db=0.0)
        >>> found = steady_kalman(model)
        >>> roots = whitening_zeros(found.predictor_system.kernel(60))
        >>> bool(np.abs(np.poly(roots) - np.poly(model.transition)).max() < 1e-6)
        True
    """
    see = np.array([1.0, 0.0])
    predicted = solve_discrete_are(
        model.transition.T, see[:, None], model.process, np.array([[model.noise]])
    )
    innovation = float(predicted[0, 0] + model.noise)
    gain = np.asarray(predicted[:, 0] / innovation)
    closed = (np.eye(2) - np.outer(gain, see)) @ model.transition
    return SteadyKalman(
        model=model,
        gain=gain,
        filter_system=StateSpace(transition=closed, drive=gain, readout=see),
        predictor_system=StateSpace(
            transition=closed, drive=gain, readout=np.asarray(model.transition[0])
        ),
        innovation=innovation,
        error=float((1 - gain[0]) * predicted[0, 0]),
    )


def whitening_zeros(
    predictor: Float[np.ndarray, " tap"], *, order: int = 2
) -> Complex128[np.ndarray, " order"]:
    r"""Return the zeros of the whitening filter of a one-step predictor: the physical poles.

    The predictor's own poles give the denominator; :math:`1-\sum_mp[m]q^{m+1}` times it is the
    polynomial :math:`\det(I-Aq)`, whose first ``order + 1`` taps are read.

    Args:
        predictor: Taps :math:`p[m]` of the prediction of the next sample, newest first.
        order: Number of poles; two an oscillator.

    Returns:
        Discrete poles, largest first.

    Raises:
        ShapeError: If there are fewer than ``2 * order`` taps.
        ParameterError: If a tap is not finite, all are zero, or the order is below 1.
    """
    closed = np.poly(pencil_poles(predictor, order=order)).real
    whitening = np.concatenate([[1.0], -np.asarray(predictor, dtype=np.float64)])
    found = np.asarray(np.roots(np.convolve(whitening, closed)[: order + 1]), dtype=np.complex128)
    return found[np.lexsort((-found.imag, -np.abs(found).round(12)))]


def best_fir_error(model: NoisyOscillator, *, length: int, lookahead: int = 0) -> float:
    r"""Return the least mean square error of any linear window, :math:`1-c^\top R^{-1}c`.

    Args:
        model: What is estimated; of unit variance.
        length: Samples in the window.
        lookahead: How many of them lie in the future; 0 is causal.

    Raises:
        ParameterError: If the length is below 1 or the window does not hold the present.

    Example:
        >>> mode = Oscillator.from_natural_hz(1.2, damping=0.03)
        >>> model = noisy_oscillator(mode, sample_hz=30.0, snr_db=0.0)
        >>> round(best_fir_error(model, length=31), 4)
        0.1415
    """
    at_least("length", length, 1)
    if not 0 <= lookahead < length:
        raise ParameterError(f"lookahead is {lookahead}; it must be from 0 to {length - 1}")
    covariance = model.autocovariance(length)
    cross = covariance[np.abs(np.arange(length) - lookahead)]
    seen = toeplitz(covariance) + model.noise * np.eye(length)
    return float(1.0 - cross @ np.linalg.solve(seen, cross))
