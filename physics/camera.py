r"""The camera as a part of the kernel: exposure, rolling shutter, uneven times, velocity.

A pixel integrates light over its exposure :math:`e`; the rows of a face are read over a time
:math:`\rho`, one after the other, and their mean is what is seen. Both are boxes, so the seen pulse
is :math:`y * \mathrm{box}_e * \mathrm{box}_\rho`, with the transfer

.. math:: \mathrm{sinc}(fe)\,\mathrm{sinc}(f\rho)\,e^{-i\pi f(e+\rho)} .

With the repeated integrals :math:`G_0=g`, :math:`G_{k+1}(t)=\int_0^tG_k` of the impulse response,
each box is a difference of the next integral: closed forms, at any times. An input that is held
over
a frame is one more box; a network that is fed the velocity sees one integral less.

The time of a frame is when its last row ends its exposure.
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Complex128, Float, Float64

from pulsephase.checks import at_least, finite, not_negative, positive
from pulsephase.physics.oscillator import Oscillator

Seen = Literal["position", "velocity"]
NEAR = 1.0  # |alpha t| + omega t below which the power series is used
TERMS = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraTiming:
    r"""When and for how long a camera looks.

    Attributes:
        exposure_s: Exposure :math:`e` of a row, in s; 0 is a snapshot.
        readout_s: Time :math:`\rho` from the first row of the face to its last, in s; 0 is a global
            shutter.

    Raises:
        ParameterError: If a time is negative or not finite.
    """

    exposure_s: float = 0.0
    readout_s: float = 0.0

    def __post_init__(self) -> None:
        not_negative(exposure_s=self.exposure_s, readout_s=self.readout_s)

    @property
    def delay_s(self) -> float:
        r"""Mean delay :math:`(e+\rho)/2` from light to frame, in s."""
        return (self.exposure_s + self.readout_s) / 2

    def transfer(
        self, frequencies_hz: Float[np.ndarray, " frequency"]
    ) -> Complex128[np.ndarray, " frequency"]:
        r"""Return :math:`\mathrm{sinc}(fe)\,\mathrm{sinc}(f\rho)\,e^{-i\pi f(e+\rho)}`.

        Args:
            frequencies_hz: Frequencies in Hz.

        Raises:
            ParameterError: If a frequency is not finite.

        Example:
            >>> camera = CameraTiming(exposure_s=1 / 30)
            >>> gain = camera.transfer(np.array([4.0]))[0]
            >>> round(float(np.degrees(np.angle(gain)))), round(float(abs(gain)), 3)
            (-24, 0.971)
        """
        finite("frequencies_hz", frequencies_hz)
        f = np.asarray(frequencies_hz, dtype=np.float64)
        size = np.sinc(f * self.exposure_s) * np.sinc(f * self.readout_s)
        return np.asarray(size * np.exp(-2j * np.pi * f * self.delay_s))


def repeated_integrals(
    oscillator: Oscillator, times_s: Float[np.ndarray, " time"], *, order: int
) -> Float64[np.ndarray, "order time"]:
    r"""Return :math:`G_{-1}=\dot g, G_0=g, G_1, \dots` of the impulse response, 0 before time 0.

    .. math:: \omega^2G_{k} = \frac{t^{k-1}}{(k-1)!} - \alpha G_{k-1} - G_{k-2},\qquad k\geq1,

    and near 0, where that cancels, the power series
    :math:`G_k = \sum_j s_jt^{j+k}/(j+k)!`, :math:`s_{j+1}=-\alpha s_j-\omega^2s_{j-1}`.

    Args:
        oscillator: The oscillator.
        times_s: Times in s.
        order: Largest :math:`k`, at least 0.

    Returns:
        Rows :math:`k=-1,\dots,` ``order``.

    Raises:
        ParameterError: If a time is not finite or the order negative.
        ShapeError: If there is no time.
    """
    finite("times_s", times_s)
    at_least("order", order, 0)
    alpha, omega = oscillator.alpha_per_s, oscillator.omega_rad_s
    t = np.maximum(np.asarray(times_s, dtype=np.float64), 0.0)
    near = (alpha + omega) * t < NEAR
    far_t = np.where(near, 1.0 / (alpha + omega), t)
    value = oscillator.impulse_response(far_t)
    rows = [_slope(oscillator, far_t), value]
    for k in range(1, order + 1):
        power = far_t ** (k - 1) / math.factorial(k - 1)
        rows.append((power - alpha * rows[-1] - rows[-2]) / omega**2)
    near_t = np.where(near, t, 0.0)
    series = [_series(alpha, omega, near_t, k) for k in range(-1, order + 1)]
    found = np.where(near, np.array(series), np.array(rows))
    return np.where(np.asarray(times_s) >= 0, found, 0.0)


def camera_response(
    oscillator: Oscillator,
    camera: CameraTiming,
    times_s: Float[np.ndarray, " time"],
    *,
    hold_s: float = 0.0,
    seen: Seen = "position",
) -> Float64[np.ndarray, " time"]:
    r"""Return what a camera sees of a unit impulse at time 0, or of a unit input held from 0 on.

    Exact at any times, evenly spaced or not: a frame that comes late is evaluated late.

    Args:
        oscillator: The oscillator.
        camera: Its exposure and its rows.
        times_s: Times of the frames in s: the end of the last row's exposure.
        hold_s: Duration over which an input of 1 is held; 0 is an impulse of area 1.
        seen: The position of the oscillator, or its velocity.

    Returns:
        The response in s (impulse, position), s^2 (held input), one power less for velocity.

    Raises:
        ParameterError: If a time is not finite or ``hold_s`` negative.
        ShapeError: If there is no time.
    """
    not_negative(hold_s=hold_s)
    boxes = [(camera.exposure_s, camera.exposure_s), (camera.readout_s, camera.readout_s)]
    boxes.append((hold_s, 1.0))  # a held input is not a mean: its box is not divided
    used = [(width, scale) for width, scale in boxes if width > 0]
    shifts = [(0.0, 1.0)]
    for width, scale in used:
        shifts = [
            (shift + step, weight * sign / scale)
            for shift, weight in shifts
            for step, sign in ((0.0, 1.0), (width, -1.0))
        ]
    row = len(used) + (1 if seen == "position" else 0)
    total = np.zeros(len(times_s))
    for shift, weight in shifts:
        moved = np.asarray(times_s, dtype=np.float64) - shift
        total += weight * repeated_integrals(oscillator, moved, order=max(len(used), 0))[row]
    return total


def camera_kernel(
    oscillator: Oscillator,
    camera: CameraTiming,
    *,
    sample_hz: float,
    taps: int,
    seen: Seen = "position",
) -> Float64[np.ndarray, " taps"]:
    r"""Return the taps from an input held over each frame to what the camera sees at its end.

    Tap :math:`m` is the response :math:`m` frames after the frame in which the input was 1; with
    exposure and readout 0 the taps are :math:`g[m+1]` of the exact zero-order hold.

    Args:
        oscillator: The oscillator.
        camera: Exposure and readout.
        sample_hz: Frames per second.
        taps: How many.
        seen: The position of the oscillator, or its velocity.

    Raises:
        ParameterError: If the rate is not positive or ``taps`` below 1.

    Example:
        >>> mode = Oscillator.from_natural_hz(1.6, damping=0.3)
        >>> kernel = camera_kernel(mode, CameraTiming(), sample_hz=30.0, taps=4)
        >>> (1e3 * kernel).round(3).tolist()
        [0.515, 1.367, 1.925, 2.188]
    """
    positive(sample_hz=sample_hz)
    at_least("taps", taps, 1)
    times = np.arange(1, taps + 1) / sample_hz
    return camera_response(oscillator, camera, times, hold_s=1 / sample_hz, seen=seen)


def _slope(oscillator: Oscillator, t: Float64[np.ndarray, " time"]) -> Float64[np.ndarray, " time"]:
    """Return the derivative of the impulse response at times from 0 on."""
    from pulsephase.physics.holds import decaying_pair

    a, w = oscillator.alpha_per_s * t, oscillator.omega_rad_s * t
    cosine, sine = decaying_pair(a, w)
    return np.asarray(cosine - a / 2 * sine)


def _series(
    alpha: float, omega: float, t: Float64[np.ndarray, " time"], order: int
) -> Float64[np.ndarray, " time"]:
    """Sum the power series of one integral; ``order`` -1 is the derivative."""
    total = np.zeros_like(t)
    before, now = 0.0, 1.0  # s_1 is the first that is not zero
    for j in range(1, TERMS):
        total += now * t ** (j + order) / math.factorial(j + order)
        before, now = now, -alpha * now - omega**2 * before
    return total
