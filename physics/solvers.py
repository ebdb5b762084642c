"""Solve the oscillator's differential equation between the instants at which its input breaks.

The input of every segment is a straight line and each impulse stands at the start of one, so that
the right-hand side is smooth inside: a solver that sees the jumps loses up to four digits at its
own tolerance (1e-6 turned into 6e-4 for Dormand-Prince, 4e-2 for Runge-Kutta on the grid).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from scipy.integrate import solve_ivp
from torch import Tensor
from torchdiffeq import odeint

from pulsephase.errors import ParameterError
from pulsephase.physics.forcing import ImpulseTrain, SampledInput

State = tuple[Tensor, Tensor]
TOLERANCE = {torch.float64: 1e-11, torch.float32: 1e-6}  # relative; float32 has 1e-7 to give


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A stretch of time in which the input is ``level + slope * t``, after a kick of the velocity.

    Attributes:
        duration_s: Its length; may be 0 where impulses coincide.
        kick: Jump of the velocity at its start.
        level: Input at its start.
        slope: Change of the input per second.
        sampled: Whether its end is a sample time.
    """

    duration_s: Tensor
    kick: Tensor
    level: Tensor
    slope: Tensor
    sampled: bool


def segments(forcing: ImpulseTrain | SampledInput, *, step_s: float, samples: int) -> list[Segment]:
    """Return the stretches between samples and impulses, in order of time."""
    if isinstance(forcing, SampledInput):
        values = forcing.values
        zero, width = values.new_zeros(()), values.new_tensor(step_s)
        rise = (
            values.diff(dim=-1) / step_s
            if forcing.hold == "first"
            else torch.zeros_like(values[..., 1:])
        )
        pairs = zip(values.unbind(-1)[:-1], rise.unbind(-1), strict=True)
        return [
            Segment(duration_s=width, kick=zero, level=level, slope=slope, sampled=True)
            for level, slope in pairs
        ]
    times, order = torch.sort(forcing.times_s, stable=True)
    weights = forcing.weights[order]
    zero = weights.new_zeros(())
    found, kick, impulse = [], zero, 0
    clock = times.new_zeros(())
    for index in range(1, samples):
        end = times.new_tensor(index * step_s)
        while impulse < times.numel() and bool(times[impulse] < end):
            width = times[impulse] - clock
            part = Segment(duration_s=width, kick=kick, level=zero, slope=zero, sampled=False)
            found.append(part)
            clock, kick, impulse = times[impulse], weights[impulse], impulse + 1
        width = end - clock
        found.append(Segment(duration_s=width, kick=kick, level=zero, slope=zero, sampled=True))
        clock, kick = end, zero
    return found


def by_exponential(
    alpha: Float[Tensor, " *batch"],
    omega: Float[Tensor, " *batch"],
    forcing: ImpulseTrain | SampledInput,
    *,
    step_s: float,
    samples: int,
    start: State,
) -> Float[Tensor, "*batch time"]:
    r"""Propagate the state with the matrix exponential of state, level and slope together.

    .. math:: \frac{d}{dt}\begin{pmatrix}z\\\dot z\\u\\u'\end{pmatrix} =
              \begin{pmatrix}0&1&0&0\\-\omega^2&-\alpha&1&0\\0&0&0&1\\0&0&0&0\end{pmatrix}
              \begin{pmatrix}z\\\dot z\\u\\u'\end{pmatrix}
    """
    zero, one = torch.zeros_like(alpha), torch.ones_like(alpha)
    rows = [zero, one, zero, zero, -omega * omega, -alpha, one, zero]
    rows += [zero, zero, zero, one, zero, zero, zero, zero]
    law = torch.stack(rows, dim=-1).reshape(*alpha.shape, 4, 4)
    known: dict[float, Tensor] = {}

    def advance(segment: Segment, state: State) -> State:
        width = float(segment.duration_s)
        if segment.duration_s.requires_grad or width not in known:
            known[width] = torch.linalg.matrix_exp(law * segment.duration_s.to(law.dtype))
        whole = _together(*state, segment.level, segment.slope)
        moved = (known[width] @ whole[..., None])[..., 0]
        return moved[..., 0], moved[..., 1]

    return _propagate(advance, segments(forcing, step_s=step_s, samples=samples), start)


def by_torchdiffeq(
    alpha: Float[Tensor, " *batch"],
    omega: Float[Tensor, " *batch"],
    forcing: ImpulseTrain | SampledInput,
    *,
    step_s: float,
    samples: int,
    start: State,
) -> Float[Tensor, "*batch time"]:
    """Integrate each segment with torchdiffeq's Dormand-Prince, differentiably."""
    tolerance = TOLERANCE.get(alpha.dtype, 1e-6)

    def advance(segment: Segment, state: State) -> State:
        if float(segment.duration_s) <= 0:
            return state

        def rate(time: Tensor, both: Tensor) -> Tensor:
            position, velocity = both.unbind(-1)
            push = segment.level + segment.slope * time
            pull = push - alpha * velocity - omega * omega * position
            return torch.stack([velocity, pull], dim=-1)

        both = _together(*state)
        ends = torch.stack([torch.zeros_like(segment.duration_s), segment.duration_s])
        solved = odeint(
            rate, both, ends.to(alpha.dtype), rtol=tolerance, atol=tolerance * 1e-3, method="dopri5"
        )
        return solved[-1, ..., 0], solved[-1, ..., 1]

    return _propagate(advance, segments(forcing, step_s=step_s, samples=samples), start)


def by_scipy(
    alpha: Float[Tensor, " *batch"],
    omega: Float[Tensor, " *batch"],
    forcing: ImpulseTrain | SampledInput,
    *,
    step_s: float,
    samples: int,
    start: State,
) -> Float[Tensor, "*batch time"]:
    """Integrate each segment with scipy's DOP853 in float64; carries no gradient.

    Raises:
        ParameterError: If scipy gives up (a stiff oscillator at a long step).
    """
    drag = alpha.detach().double().numpy().ravel()
    square = omega.detach().double().numpy().ravel() ** 2

    def advance(segment: Segment, state: State) -> State:
        def level(value: Tensor) -> np.ndarray:
            return value.detach().double().expand(alpha.shape).numpy().ravel()

        base, slope = level(segment.level), level(segment.slope)

        def rate(time: float, both: np.ndarray) -> np.ndarray:
            position, velocity = both[: drag.size], both[drag.size :]
            pull = base + slope * time - drag * velocity - square * position
            return np.concatenate([velocity, pull])

        both = np.concatenate([level(state[0]), level(state[1])])
        width = float(segment.duration_s)
        solved = solve_ivp(rate, (0.0, width), both, method="DOP853", rtol=1e-12, atol=1e-15)
        if not solved.success:
            raise ParameterError(f"scipy gave up: {solved.message}; use exponential")
        ends = torch.as_tensor(solved.y[:, -1], dtype=alpha.dtype).reshape(2, *alpha.shape)
        return ends[0], ends[1]

    plain = (start[0].detach(), start[1].detach())
    return _propagate(advance, segments(forcing, step_s=step_s, samples=samples), plain)


def _propagate(
    advance: Callable[[Segment, State], State], parts: list[Segment], start: State
) -> Tensor:
    """Return the positions at the sample times, kicking the velocity where a segment says so."""
    position, velocity = start
    kept = [position]
    for part in parts:
        position, velocity = advance(part, (position, velocity + part.kick))
        if part.sampled:
            kept.append(position)
    return _together(*kept)


def _together(*parts: Tensor) -> Tensor:
    """Stack tensors along a new last axis, each expanded to the shape of all."""
    shape = np.broadcast_shapes(*(part.shape for part in parts))
    return torch.stack([part.expand(shape) for part in parts], dim=-1)
