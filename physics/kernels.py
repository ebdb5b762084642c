r"""The causal kernel of a stepped oscillator, in a form that does not notice critical damping.

.. math:: U_0=0,\; U_1=1,\; U_{m+1} = T\,U_m - D\,U_{m-1}; \qquad
          g[m] = c_0U_{m+1} + c_1U_m + c_2U_{m-1}.

:math:`U_m = \sum_j z_1^j z_2^{m-1-j} = D^{(m-1)/2}\sin(m\theta)/\sin\theta` is a polynomial in
:math:`T` and :math:`D`: at a double pole it is :math:`m\,z^{m-1}`, with no 0/0. The
quadratic formula loses half the digits there.
"""

import numpy as np
import torch
from jaxtyping import Float, Float64
from scipy.signal import lfilter
from torch import Tensor

from pulsephase.checks import at_least, finite
from pulsephase.errors import ParameterError
from pulsephase.physics.discretisation import Discretisation
from pulsephase.physics.schemes import Coefficients


def lucas(trace: float, det: float, *, count: int) -> Float64[np.ndarray, " count"]:
    r"""Return :math:`U_0 \dots U_{n-1}` by their recursion.

    Raises:
        ParameterError: If ``count`` is below 1 or a number not finite.

    Example:
        >>> lucas(1.0, -1.0, count=8).astype(int).tolist()
        [0, 1, 1, 2, 3, 5, 8, 13]
    """
    at_least("count", count, 1)
    finite("trace", trace)
    finite("det", det)
    impulse = np.zeros(count)
    impulse[1:2] = 1.0
    return np.asarray(lfilter([1.0], [1.0, -trace, det], impulse), dtype=np.float64)


def lucas_closed_form(trace: float, det: float, *, count: int) -> Float64[np.ndarray, " count"]:
    r"""Return :math:`U_m = D^{(m-1)/2}\,\sin(m\theta)/\sin\theta`, entire through critical damping.

    .. math:: \cos\theta = T/2\sqrt D,\qquad \theta^2 \text{ real, of either sign}

    computed from :math:`1-T^2/4D` without cancellation. Two negative poles are those of
    :math:`-T` with alternating sign.

    Raises:
        ParameterError: If ``count`` is below 1, ``trace`` not finite, or ``det`` not positive (use
            `lucas`).

    Example:
        >>> lucas_closed_form(1.0, 0.25, count=5).tolist()  # a double pole at 1/2
        [0.0, 1.0, 1.0, 0.75, 0.5]
    """
    at_least("count", count, 1)
    finite("trace", trace)
    if not det > 0:
        raise ParameterError(f"det is {det}; the closed form needs it above 0: use lucas")
    index = np.arange(count, dtype=np.float64)
    root = np.sqrt(det)
    gap = (2 * root - abs(trace)) * (2 * root + abs(trace))  # 4 D - T^2
    if gap >= 0:
        angle = np.arctan2(np.sqrt(gap), abs(trace)) / np.pi
        values = root ** (index - 1) * index * np.sinc(index * angle) / np.sinc(angle)
    else:
        sink = np.arcsinh(np.sqrt(-gap) / (2 * root))
        large = root * np.exp(sink)  # the larger pole: its powers do not overflow
        values = large ** (index - 1) * np.expm1(-2 * index * sink) / np.expm1(-2 * sink)
    signed = values if trace >= 0 else values * np.where(index % 2 == 0, -1.0, 1.0)
    return np.asarray(signed, dtype=np.float64)


def kernel(discretisation: Discretisation, *, taps: int) -> Float64[np.ndarray, " taps"]:
    r"""Return :math:`g[0] \dots g[M-1]`, the response to a unit sample, at rest before it.

    :math:`g[0]=c_0` is 0 unless the scheme looks at the newest input.

    Args:
        discretisation: Oscillator, scheme and step.
        taps: :math:`M`.

    Raises:
        ParameterError: If ``taps`` is below 1.

    Example:
        >>> from pulsephase.physics.oscillator import Oscillator
        >>> mode = Oscillator(alpha_per_s=1.0, omega_rad_s=1.0)
        >>> step = Discretisation(oscillator=mode, scheme="semi_implicit", step_s=1.0)
        >>> kernel(step, taps=5).tolist()
        [0.0, 1.0, 0.0, 0.0, 0.0]
    """
    at_least("taps", taps, 1)
    impulse = np.zeros(taps)
    impulse[0] = 1.0
    below = [1.0, -discretisation.trace, discretisation.det]
    return np.asarray(lfilter(discretisation.numerator, below, impulse), dtype=np.float64)


def zero_input_response(
    discretisation: Discretisation,
    *,
    samples: int,
    position: float = 0.0,
    velocity: float = 0.0,
) -> Float64[np.ndarray, " samples"]:
    r"""Return what the initial state does alone: the term that a convolution leaves out.

    .. math:: z_t = z_1^\mathrm{free}\,U_t - D\,z_0\,U_{t-1},\qquad
              z_1^\mathrm{free} = A_{11}z_0 + A_{12}v_0 .

    Args:
        discretisation: Oscillator, scheme and step.
        samples: Number of samples, the first at the initial state.
        position: :math:`z_0`.
        velocity: :math:`v_0`, in units of :math:`z` per second.

    Raises:
        ParameterError: If ``samples`` is below 1 or the state not finite.
    """
    at_least("samples", samples, 1)
    finite("position", position)
    finite("velocity", velocity)
    numbers = lucas(discretisation.trace, discretisation.det, count=samples)
    state = discretisation.coefficients.state
    free = float(state[0]) * position + float(state[1]) * velocity
    response = free * numbers
    response[0] = position
    response[1:] -= discretisation.det * position * numbers[:-1]
    return response


def lucas_tensor(
    trace: Float[Tensor, " *batch"], det: Float[Tensor, " *batch"], *, count: int
) -> Float[Tensor, "*batch count"]:
    r"""Return :math:`U_0 \dots U_{n-1}` of many oscillators, differentiably, by doubling.

    .. math:: \begin{pmatrix}U_{n+j}\\V_{n+j}\end{pmatrix} =
              P^n\begin{pmatrix}U_j\\V_j\end{pmatrix},\quad V_m = U_{m+1}-U_m,\quad
              P = \begin{pmatrix}1&1\\-\kappa&D-\kappa\end{pmatrix},\quad \kappa=1-T+D

    takes :math:`\log_2 n` steps in place of :math:`n`.

    Args:
        trace: :math:`T` of each.
        det: :math:`D` of each, of the same shape.
        count: :math:`n`.

    Raises:
        ParameterError: If ``count`` is below 1.
    """
    at_least("count", count, 1)
    still, one = 1 - trace + det, torch.ones_like(trace)
    # in U and its difference: in U alone each doubling squares the cancellation of slow poles
    power = torch.stack([one, one, -still, det - still], dim=-1).reshape(*trace.shape, 2, 2)
    known = torch.stack([torch.zeros_like(trace), one], dim=-1)[..., None]
    while known.shape[-1] < count:
        known = torch.cat([known, power @ known], dim=-1)
        power = power @ power
    return known[..., 0, :count]


def kernel_tensor(numbers: Coefficients, *, taps: int) -> Float[Tensor, "*batch taps"]:
    """Return the kernels of many oscillators, differentiably in their parameters.

    Args:
        numbers: From `pulsephase.physics.schemes.coefficients` at tensors of one shape.
        taps: Length of each kernel.

    Raises:
        ParameterError: If ``taps`` is below 1.
    """
    at_least("taps", taps, 1)
    trace = numbers.trace
    sequence = torch.nn.functional.pad(lucas_tensor(trace, numbers.det, count=taps + 1), (1, 0))
    weights = (numbers.c0, numbers.c1, numbers.c2)
    parts: list[Tensor] = [
        weight[..., None] * sequence[..., 2 - lag : 2 - lag + taps]
        for lag, weight in enumerate(weights)
    ]
    return parts[0] + parts[1] + parts[2]
