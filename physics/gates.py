r"""What a gate adds to a linear stack, bounded: :math:`\tanh(a)\,\sigma(b) \approx a/2`.

.. math:: \left|\tanh a\,\sigma(b) - \tfrac a2\right| \leq \tfrac{|a|^3}6 + \tfrac{|a||b|}4,
   \qquad
   \left|\tanh a\,\sigma(b) - \tfrac a2 - \tfrac{ab}4\right|
   \leq \tfrac{|a|^3}6 + \tfrac{|a|^3|b|}{12} + \tfrac{|a||b|^3}{48} .

From :math:`|\tanh a - a|\leq|a|^3/3`, :math:`|\sigma(b)-\tfrac12|\leq|b|/4` and
:math:`|\sigma(b)-\tfrac12-\tfrac b4|\leq|b|^3/48`. The first effect of a gate is the product
:math:`ab/4`: amplitude modulation (a second-order Volterra term), which no linear kernel has. With
small weights in and large ones out the gates fade, and the error falls as the square of the scale.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Float64

from pulsephase.checks import finite, not_negative, positive
from pulsephase.errors import ShapeError


def gate(
    signal: Float[np.ndarray, " point"], control: Float[np.ndarray, " point"]
) -> Float64[np.ndarray, " point"]:
    r"""Return :math:`\tanh(a)\,\sigma(b)`, without overflow.

    Args:
        signal: :math:`a`.
        control: :math:`b`, of the same length.

    Raises:
        ParameterError: If a value is not finite.
        ShapeError: If there is none, or the lengths differ.
    """
    _check(signal, control)
    return np.asarray(np.tanh(signal) * (1 + np.tanh(np.asarray(control) / 2)) / 2)


def linear_remainder(
    signal: Float[np.ndarray, " point"], control: Float[np.ndarray, " point"]
) -> Float64[np.ndarray, " point"]:
    r"""Bound :math:`|\tanh a\,\sigma(b)-a/2|` by :math:`|a|^3/6+|a||b|/4`.

    Raises:
        ParameterError: If a value is not finite.
        ShapeError: If there is none, or the lengths differ.

    Example:
        >>> linear_remainder(np.array([0.6]), np.array([1.0])).round(3)
        array([0.186])
    """
    _check(signal, control)
    a, b = np.abs(signal), np.abs(control)
    return np.asarray(a**3 / 6 + a * b / 4, dtype=np.float64)


def bilinear_remainder(
    signal: Float[np.ndarray, " point"], control: Float[np.ndarray, " point"]
) -> Float64[np.ndarray, " point"]:
    r"""Bound the error of :math:`a/2+ab/4` by :math:`|a|^3/6+|a|^3|b|/12+|a||b|^3/48`.

    Raises:
        ParameterError: If a value is not finite.
        ShapeError: If there is none, or the lengths differ.
    """
    _check(signal, control)
    a, b = np.abs(signal), np.abs(control)
    return np.asarray(a**3 / 6 + a**3 * b / 12 + a * b**3 / 48, dtype=np.float64)


def gated_stack(
    mixing: Sequence[Float[np.ndarray, "channel channel"]],
    channels: Float[np.ndarray, "channel time"],
    *,
    scale: float,
) -> Float64[np.ndarray, "channel time"]:
    r"""Run residual layers with fixed gates, :math:`s_t + \tanh(\epsilon W_ls_{t-2^l})/\epsilon`.

    The constant factor of the gate and :math:`1/\epsilon` stand in the out-weights.

    Args:
        mixing: Matrices :math:`W_l`, one a layer.
        channels: Input channels over time; zeros before.
        scale: :math:`\epsilon` of the in-weights; towards 0 the layer is linear.

    Raises:
        ParameterError: If the scale is not positive.
        ShapeError: If a matrix does not map the channels to as many.
    """
    positive(scale=scale)
    _check_matrices(mixing, channels)
    state = np.asarray(channels, dtype=np.float64)
    for level, matrix in enumerate(mixing):
        state = state + np.tanh(scale * matrix @ _delayed(state, 2**level)) / scale
    return state


def linear_stack(
    mixing: Sequence[Float[np.ndarray, "channel channel"]],
    channels: Float[np.ndarray, "channel time"],
) -> Float64[np.ndarray, "channel time"]:
    r"""Run the same layers without gates, :math:`s_t + W_ls_{t-2^l}`.

    Raises:
        ShapeError: If a matrix does not map the channels to as many.
    """
    _check_matrices(mixing, channels)
    state = np.asarray(channels, dtype=np.float64)
    for level, matrix in enumerate(mixing):
        state = state + matrix @ _delayed(state, 2**level)
    return state


def gated_error_bound(
    mixing: Sequence[Float[np.ndarray, "channel channel"]], *, peak: float, scale: float
) -> float:
    r"""Bound how far gated layers are from linear ones, in every channel at every time.

    .. math:: E_{l+1} \leq (1+n_l)E_l + \tfrac{\epsilon^2}3(n_lX_l)^3,\qquad
              X_{l+1} \leq (1+n_l)X_l,\qquad n_l = \lVert W_l\rVert_\infty .

    A certificate, not an estimate: 10 to 400 times the error met in practice.

    Args:
        mixing: Matrices :math:`W_l`, one a layer.
        peak: Bound on the input channels, :math:`X_0`.
        scale: :math:`\epsilon` of the in-weights.

    Raises:
        ParameterError: If the scale is not positive or the peak negative.

    Example:
        >>> round(gated_error_bound([np.array([[0.5]])], peak=1.0, scale=0.1), 9)
        0.000416667
    """
    positive(scale=scale)
    not_negative(peak=peak)
    error, size = 0.0, peak
    for matrix in mixing:
        norm = float(np.abs(matrix).sum(axis=1).max())
        error = (1 + norm) * error + scale**2 * (norm * size) ** 3 / 3
        size = (1 + norm) * size
    return error


def live_stack(
    mixing: Sequence[Float[np.ndarray, "channel channel"]],
    gating: Sequence[Float[np.ndarray, "channel channel"]],
    channels: Float[np.ndarray, "channel time"],
    *,
    scale: float,
) -> Float64[np.ndarray, "channel time"]:
    r"""Run residual layers whose gates see the signal.

    .. math:: s_t + \tfrac2\epsilon\tanh(\epsilon W_ls_{t-2^l})\,\sigma(\epsilon V_ls_{t-2^l})

    Args:
        mixing: Matrices :math:`W_l`, one a layer.
        gating: Matrices :math:`V_l`, one a layer.
        channels: Input channels over time; zeros before.
        scale: :math:`\epsilon` of both in-weights.

    Raises:
        ParameterError: If the scale is not positive.
        ShapeError: If a matrix does not map the channels to as many.
    """
    positive(scale=scale)
    _check_matrices(mixing, channels)
    _check_matrices(gating, channels)
    state = np.asarray(channels, dtype=np.float64)
    for level, (matrix, control) in enumerate(zip(mixing, gating, strict=True)):
        past = _delayed(state, 2**level)
        opened = 1 + np.tanh(scale * control @ past / 2)
        state = state + np.tanh(scale * matrix @ past) * opened / scale
    return state


def live_error_bound(
    mixing: Sequence[Float[np.ndarray, "channel channel"]],
    gating: Sequence[Float[np.ndarray, "channel channel"]],
    *,
    peak: float,
    scale: float,
) -> float:
    r"""Bound how far layers with live gates are from linear ones (theorem LG).

    .. math:: E_{l+1} = (1+n_l)E_l + \tfrac\epsilon2n_lv_lX_l^2 + \tfrac{\epsilon^2}3(n_lX_l)^3,
              \qquad X_{l+1} = (1+n_l+\tfrac\epsilon2n_lv_lX_l)X_l .

    Args:
        mixing: Matrices :math:`W_l`, one a layer.
        gating: Matrices :math:`V_l`, one a layer.
        peak: Bound on the input channels, :math:`X_0`.
        scale: :math:`\epsilon` of both in-weights.

    Raises:
        ParameterError: If the scale is not positive or the peak negative.
    """
    positive(scale=scale)
    not_negative(peak=peak)
    error, size = 0.0, peak
    for matrix, control in zip(mixing, gating, strict=True):
        norm, gate_norm = (float(np.abs(each).sum(axis=1).max()) for each in (matrix, control))
        product = scale * norm * gate_norm * size / 2
        error = (1 + norm) * error + product * size + scale**2 * (norm * size) ** 3 / 3
        size = (1 + norm + product) * size
    return error


def _delayed(
    channels: Float64[np.ndarray, "channel time"], delay: int
) -> Float64[np.ndarray, "channel time"]:
    length = channels.shape[1]
    return np.pad(channels, ((0, 0), (delay, 0)))[:, :length]


def _check_matrices(
    mixing: Sequence[Float[np.ndarray, "_ _"]], channels: Float[np.ndarray, "channel time"]
) -> None:
    for level, matrix in enumerate(mixing):
        if matrix.shape != (len(channels), len(channels)):
            raise ShapeError(
                f"the matrix of layer {level} is {matrix.shape}, the channels are {len(channels)}; "
                "they must agree"
            )


def _check(signal: Float[np.ndarray, " point"], control: Float[np.ndarray, " other"]) -> None:
    finite("signal", signal)
    finite("control", control)
    if len(signal) != len(control):
        raise ShapeError(f"signal has {len(signal)} values, control {len(control)}; give as many")
