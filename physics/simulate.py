r"""Run oscillators forward: by recursion, by convolution, by exponentials or by a solver.

One signature for six methods, so that each can be held against the others. Three of them rest on

.. math:: z_t = \sum_m U_{t-m+1}\,f_m,

with the Lucas sequence :math:`U` of the scheme and a drive :math:`f` that holds the input, the
impulses and the initial state alike: the recursion solves it step by step, the convolutions at
once. The exponential propagates the state with a matrix exponential; the two solvers integrate the
differential equation, one segment after another, because a solver that steps across the jumps of a
held input loses up to four digits without saying so.
"""

from typing import Literal, get_args

import torch
from jaxtyping import Float
from torch import Tensor

from pulsephase.checks import at_least, positive
from pulsephase.errors import ParameterError, ShapeError, StabilityError
from pulsephase.physics.discretisation import Discretisation
from pulsephase.physics.forcing import ImpulseTrain, SampledInput, finite_tensor
from pulsephase.physics.holds import impulse_response
from pulsephase.physics.kernels import lucas_tensor
from pulsephase.physics.oscillator import Oscillator
from pulsephase.physics.schemes import Coefficients, Scheme, coefficients
from pulsephase.physics.solvers import by_exponential, by_scipy, by_torchdiffeq

Method = Literal["recursion", "convolution", "fft", "exponential", "torchdiffeq", "scipy"]
METHODS: tuple[Method, ...] = get_args(Method)
EXACT: dict[str, Scheme] = {"zero": "zero_order", "first": "first_order"}


def simulate(
    alpha_per_s: Float[Tensor, " *batch"],
    omega_rad_s: Float[Tensor, " *batch"],
    forcing: ImpulseTrain | SampledInput,
    *,
    step_s: float,
    samples: int,
    method: Method = "recursion",
    scheme: Scheme | None = None,
    position: Float[Tensor, " *batch"] | None = None,
    velocity: Float[Tensor, " *batch"] | None = None,
) -> Float[Tensor, "*batch time"]:
    r"""Return :math:`z` of :math:`\ddot z+\alpha\dot z+\omega^2z=u` at times 0, h, 2h, ...

    Differentiable in both parameters, the input and the initial state, except by ``scipy``.

    Args:
        alpha_per_s: Damping rates :math:`\alpha` in 1/s.
        omega_rad_s: Undamped frequencies :math:`\omega` in rad/s, of the same shape and type.
        forcing: Impulses (an impulse at a sample time moves the velocity, hence later samples), or
            samples, as many as ``samples``.
        step_s: :math:`h` in s.
        samples: Number of samples returned; the first is the initial position.
        method: ``recursion``, ``convolution`` or ``fft`` of a scheme; ``exponential``,
            ``torchdiffeq`` or ``scipy`` of the differential equation itself.
        scheme: For the first three; the exact hold of the input unless another is named. An
            impulse train has no other.
        position: :math:`z_0`; 0 if left out.
        velocity: :math:`\dot z_0` just before time 0; 0 if left out.

    Raises:
        ParameterError: If a parameter is out of range, or method and scheme do not go together.
        ShapeError: If shapes do not match or there is nothing to simulate.
        StabilityError: If the scheme diverges; names the largest stable step.

    Example:
        >>> beat = ImpulseTrain(times_s=torch.tensor([0.0]), weights=torch.tensor([1.0]))
        >>> one = torch.tensor(1.0)
        >>> simulate(2 * one, one, beat, step_s=1.0, samples=3)
        tensor([0.0000, 0.3679, 0.2707])
    """
    positive(step_s=step_s)
    at_least("samples", samples, 1)
    _check_parameters(alpha_per_s, omega_rad_s)
    zero = torch.zeros_like(alpha_per_s)
    start = (zero if position is None else position, zero if velocity is None else velocity)
    for name, value in zip(("position", "velocity"), start, strict=True):
        _same_shape(name, value, alpha_per_s)
        finite_tensor(name, value)
    if isinstance(forcing, SampledInput):
        _check_input(forcing, alpha_per_s, samples)
    if method in ("exponential", "torchdiffeq", "scipy"):
        if scheme is not None:
            raise ParameterError(f"method {method} solves the equation itself; leave out scheme")
        solve = {"exponential": by_exponential, "torchdiffeq": by_torchdiffeq, "scipy": by_scipy}
        return solve[method](
            alpha_per_s, omega_rad_s, forcing, step_s=step_s, samples=samples, start=start
        )
    if method not in METHODS:
        raise ParameterError(f"method is {method!r}; choose from {', '.join(METHODS)}")
    numbers, drive = _drive(alpha_per_s, omega_rad_s, forcing, scheme, step_s, samples, start)
    if method == "recursion":
        return _recurse(numbers.trace, numbers.det, drive)
    sequence = lucas_tensor(numbers.trace, numbers.det, count=samples + 1)[..., 1:]
    return _convolve(sequence, drive) if method == "convolution" else _convolve_fft(sequence, drive)


def _drive(
    alpha: Tensor,
    omega: Tensor,
    forcing: ImpulseTrain | SampledInput,
    scheme: Scheme | None,
    step_s: float,
    samples: int,
    start: tuple[Tensor, Tensor],
) -> tuple[Coefficients, Tensor]:
    """Return the scheme's numbers and the drive f of z = U * f."""
    if isinstance(forcing, ImpulseTrain):
        if scheme not in (None, "zero_order", "first_order"):
            raise ParameterError(f"scheme {scheme} takes samples; an impulse train is exact: omit")
        numbers = coefficients("zero_order", alpha, omega, step_s=step_s)
        drive = impulse_drive(alpha, omega, forcing, step_s=step_s, samples=samples)
        first = torch.stack(_unforced(numbers, start), dim=-1)[..., :samples]
        return numbers, drive + torch.nn.functional.pad(first, (0, samples - first.shape[-1]))
    chosen = scheme or EXACT[forcing.hold]
    numbers = coefficients(chosen, alpha, omega, step_s=step_s)
    _check_stability(alpha, omega, chosen, step_s)
    return numbers, _sample_drive(numbers, forcing.values, start)


def _unforced(numbers: Coefficients, start: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """Return the two first values of the drive that the initial state makes."""
    position, velocity = start
    moved = numbers.state[0] * position + numbers.state[1] * velocity
    return position, moved - numbers.trace * position


def _sample_drive(numbers: Coefficients, values: Tensor, start: tuple[Tensor, Tensor]) -> Tensor:
    """Return c0 u_t + c1 u_(t-1) + c2 u_(t-2); the first step has no sample before it."""
    position, moved = (part[..., None] for part in _unforced(numbers, start))
    weights = [weight[..., None] for weight in (numbers.c0, numbers.c1, numbers.c2)]
    second = moved + numbers.now[0][..., None] * values[..., :1] + weights[0] * values[..., 1:2]
    count = values.shape[-1] - 2
    if count < 1:
        return torch.cat([position, second], dim=-1)[..., : values.shape[-1]]
    heard = [(w, 2 - lag) for lag, w in enumerate(weights) if bool((w != 0).any())]
    later: Tensor = heard[0][0] * values[..., heard[0][1] : heard[0][1] + count]
    for weight, at in heard[1:]:
        later = torch.addcmul(later, weight, values[..., at : at + count])
    return torch.cat([position, second, later], dim=-1)


def impulse_drive(
    alpha: Float[Tensor, " *batch"],
    omega: Float[Tensor, " *batch"],
    train: ImpulseTrain,
    *,
    step_s: float,
    samples: int,
) -> Float[Tensor, "*batch time"]:
    r"""Return the drive of impulses: each, at :math:`r` before its next sample, is two numbers.

    .. math:: f_i = S(r), \qquad f_{i+1} = S(r+h) - T\,S(r) = e^{-\alpha r}\,S(h-r)

    with :math:`S` the impulse response. Exact, with no rounding of times to samples.

    Args:
        alpha: Damping rates in 1/s.
        omega: Undamped frequencies in rad/s.
        train: Times and weights.
        step_s: Time between samples in s.
        samples: Length of the drive; later impulses are after the end.
    """
    index = torch.floor(train.times_s / step_s).long() + 1  # the first sample after the impulse
    rest = (
        (index.to(train.times_s.dtype) * step_s - train.times_s).to(alpha.dtype).clamp(0.0, step_s)
    )
    rate, turn = alpha[..., None], omega[..., None]
    weights = train.weights.to(alpha.dtype)
    now = weights * impulse_response(rate, turn, rest)
    after = weights * torch.exp(-rate * rest) * impulse_response(rate, turn, step_s - rest)
    drive = alpha.new_zeros((*alpha.shape, samples + 2))
    slot = index.clamp(max=samples)  # slots from `samples` on are cut off
    return drive.index_add(-1, slot, now).index_add(-1, slot + 1, after)[..., :samples]


def _recurse(trace: Tensor, det: Tensor, drive: Tensor) -> Tensor:
    before, now = torch.zeros_like(trace), torch.zeros_like(trace)
    values = []
    for push in drive.unbind(-1):
        before, now = now, torch.addcmul(push, trace, now) - det * before
        values.append(now)
    return torch.stack(values, dim=-1)


def _convolve(sequence: Tensor, drive: Tensor) -> Tensor:
    length = drive.shape[-1]
    flat, kernels = drive.reshape(1, -1, length), sequence.reshape(-1, 1, length)
    padded = torch.nn.functional.pad(flat, (length - 1, 0))
    result = torch.nn.functional.conv1d(padded, kernels.flip(-1), groups=flat.shape[1])
    return result.reshape(drive.shape)


def _convolve_fft(sequence: Tensor, drive: Tensor) -> Tensor:
    length = drive.shape[-1]
    spectrum = torch.fft.rfft(sequence, n=2 * length) * torch.fft.rfft(drive, n=2 * length)
    result: Tensor = torch.fft.irfft(spectrum, n=2 * length)
    return result[..., :length]


def _check_parameters(alpha: Tensor, omega: Tensor) -> None:
    _same_shape("omega_rad_s", omega, alpha)
    finite_tensor("alpha_per_s", alpha)
    finite_tensor("omega_rad_s", omega)
    if bool((alpha < 0).any()):
        raise ParameterError(f"alpha_per_s holds {float(alpha.min())}; it must be at least 0")
    if bool((omega <= 0).any()):
        raise ParameterError(f"omega_rad_s holds {float(omega.min())}; it must be above 0")


def _check_input(forcing: SampledInput, alpha: Tensor, samples: int) -> None:
    batch, found = forcing.values.shape[:-1], forcing.values.shape[-1]
    if found != samples:
        raise ShapeError(f"values has {found} samples, samples is {samples}; they must agree")
    if batch not in (alpha.shape, torch.Size([])):
        raise ShapeError(
            f"values is for {tuple(batch)} oscillators, the parameters for {tuple(alpha.shape)}"
        )


def _check_stability(alpha: Tensor, omega: Tensor, scheme: Scheme, step_s: float) -> None:
    """Raise for the oscillator whose poles lie farthest outside the unit disc, if one does."""
    with torch.no_grad():
        exact = coefficients(scheme, alpha.double(), omega.double(), step_s=step_s)
        one = torch.ones_like(exact.trace)
        sides = (one - exact.det, one - exact.trace + exact.det, one + exact.trace + exact.det)
        margin = torch.stack(sides).amin(dim=0).flatten()
        worst = int(margin.argmin())
    if float(margin[worst]) > 0:
        return
    oscillator = Oscillator(
        alpha_per_s=float(alpha.flatten()[worst]), omega_rad_s=float(omega.flatten()[worst])
    )
    try:
        Discretisation(oscillator=oscillator, scheme=scheme, step_s=step_s).require_stable()
    except StabilityError as error:
        raise StabilityError(f"oscillator {worst} of {margin.numel()}: {error}") from None


def _same_shape(name: str, value: Tensor, like: Tensor) -> None:
    if value.shape != like.shape or value.dtype != like.dtype:
        raise ShapeError(
            f"{name} is {value.dtype} of shape {tuple(value.shape)}; alpha_per_s is {like.dtype} "
            f"of shape {tuple(like.shape)}: they must agree"
        )
