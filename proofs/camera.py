"""CAM: exposure, rolling shutter, uneven times and velocity, inside the kernel and exact."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import sympy as sp

from pulsephase.physics.camera import CameraTiming, camera_kernel, camera_response
from pulsephase.physics.discretisation import Discretisation
from pulsephase.physics.kernels import kernel
from pulsephase.physics.oscillator import Oscillator
from pulsephase.proofs.exact import all_true, all_vanish, within
from pulsephase.proofs.theorem import Clause, Evidence, Theorem

FREQUENCY, EXPOSURE, DELTA = sp.symbols("f e delta", positive=True)
TIME, ALPHA, OMEGA = sp.symbols("t alpha omega", positive=True)
OVER = 64
MODES = ((1.6, 0.3), (1.2, 3.0), (4.0, 0.05), (0.7, 1.0))
CAMERA = CameraTiming(exposure_s=0.02, readout_s=0.013)


@dataclass(frozen=True, slots=True, kw_only=True)
class Camera:
    """A claim: the box's transfer, the recursion of the integrals, the angle, what is averaged."""

    delay: Any = field(default=sp.Rational(1, 2))
    """Of one box, over its width."""
    friction: int = 1
    """Share of the friction in the recursion."""
    degrees: float = 24.0
    """By which an exposure of 33 ms turns 4 Hz."""
    rows: int = 1
    """Whether the rows are read one after the other (1) or together (0)."""
    late: int = 0


def _box(claim: Camera) -> Evidence:
    """Integrate a sinusoid over the exposure."""
    found = sp.integrate(sp.exp(-2 * sp.pi * sp.I * FREQUENCY * DELTA), (DELTA, 0, EXPOSURE))
    turn = sp.pi * FREQUENCY * EXPOSURE
    stated = sp.sin(turn) / turn * sp.exp(-2 * sp.I * turn * claim.delay)
    return all_vanish({"box": sp.expand((found / EXPOSURE - stated).rewrite(sp.exp))})


def _integrals(claim: Camera) -> Evidence:
    """Integrate the equation of the impulse response: each integral from the two before it.

    With G0 the response, G0'' + alpha G0' + omega^2 G0 = 0, G0(0) = 0 and G0'(0) = 1; integrating
    once gives G0' - 1 + alpha G0 + omega^2 G1 = 0, and once more the next line.
    """
    ring = sp.Symbol("omega_d", positive=True)
    square = ring**2 + ALPHA**2 / 4
    response = sp.exp(-ALPHA * TIME / 2) * sp.sin(ring * TIME) / ring
    first = (1 - claim.friction * ALPHA * response - sp.diff(response, TIME)) / square
    second = (TIME - claim.friction * ALPHA * first - response) / square
    return all_vanish(
        {
            "first": sp.diff(first, TIME) - response,
            "first at 0": first.subs(TIME, 0),
            "second": sp.diff(second, TIME) - first,
            "second at 0": second.subs(TIME, 0),
        }
    )


def _angle(claim: Camera) -> Evidence:
    """Enclose the angle and the gain of an exposure of one frame at 4 Hz, in balls."""
    from flint import arb

    turn = arb.pi() * 4 / 30
    degrees = 180 * turn / arb.pi()
    gain = turn.sin() / turn
    return all_true(
        {
            "degrees": bool(abs(degrees - claim.degrees) < 0.01),
            "gain": bool(abs(gain - arb("0.971")) < 0.001),
        }
    )


def _oversampled(claim: Camera) -> Evidence:
    """Compare uneven frames with the mean of 64 x 64 snapshots within each."""
    return within(max(oversampling_error(*mode, rows=claim.rows) for mode in MODES), 1e-4)


def oversampling_error(hertz: float, damping: float, *, rows: int = 1) -> float:
    """Return the relative difference of the closed form from 64-fold oversampling, uneven times."""
    mode = Oscillator.from_natural_hz(hertz, damping=damping)
    rng = np.random.default_rng(0)
    times = np.arange(60) / 30 + rng.uniform(-0.008, 0.008, 60) + 0.05
    part = (np.arange(OVER) + 0.5) / OVER
    lags = times[:, None, None] - CAMERA.exposure_s * part[:, None]
    lags = lags - rows * CAMERA.readout_s * part
    worst = 0.0
    for seen, hold in (("position", 0.0), ("velocity", 1 / 30)):
        found = camera_response(mode, CAMERA, times, hold_s=hold, seen=seen)  # type: ignore[arg-type]
        dense = mode.impulse_response(lags.ravel())
        if seen == "velocity":  # of a held input: the response less itself a frame ago
            dense = dense - mode.impulse_response(lags.ravel() - hold)
        mean = dense.reshape(lags.shape).mean(axis=(1, 2))
        worst = max(worst, float(np.abs(found - mean).max() / np.abs(mean).max()))
    return worst


def _snapshot(claim: Camera) -> Evidence:
    """Compare the kernel of a snapshot camera with the exact zero-order hold."""
    worst = 0.0
    for hertz, damping in MODES:
        mode = Oscillator.from_natural_hz(hertz, damping=damping)
        law = Discretisation(oscillator=mode, scheme="zero_order", step_s=1 / 30)
        held = kernel(law, taps=62)[1 + claim.late :][:60]
        found = camera_kernel(mode, CameraTiming(), sample_hz=30.0, taps=60)
        worst = max(worst, float(np.abs(found - held).max() / np.abs(held).max()))
    return within(worst, 1e-12)


def numbers() -> dict[str, str]:
    """Return what exposures and rows do to the pulse band."""
    rows = {}
    for name, camera in (
        ("exposure 10 ms", CameraTiming(exposure_s=0.010)),
        ("exposure 33 ms", CameraTiming(exposure_s=1 / 30)),
        ("exposure 33 ms, rows over 20 ms", CameraTiming(exposure_s=1 / 30, readout_s=0.020)),
    ):
        gain = camera.transfer(np.array([1.2, 4.0]))
        rows[f"{name}: angle and gain at 1.2 and at 4 Hz"] = ", ".join(
            f"{np.degrees(np.angle(each)):.0f}°, {abs(each):.3f}" for each in gain
        )
    return rows


TRUTH = Camera()

THEOREM = Theorem(
    id="CAM",
    title="The camera is part of the kernel: exposure, rows, uneven frames",
    statement=r"""
A row of pixels integrates light over its exposure $e$; the rows of a face are read over a time
$\rho$. Both are boxes, so a camera multiplies the pulse's spectrum by

$$\frac{\sin\pi fe}{\pi fe}\,\frac{\sin\pi f\rho}{\pi f\rho}\; e^{-i\pi f(e+\rho)} .$$

An exposure of 33 ms turns the phase by 24 degrees at 4 Hz and takes 3 % of the size. In time, let
$G_0=g$ be the impulse response and $G_{k+1}$ the integral of $G_k$. Integrating the equation of the
oscillator gives all of them in closed form,

$$\omega^2G_k = \frac{t^{k-1}}{(k-1)!} - \alpha\,G_{k-1} - G_{k-2} \qquad (k\geq1),\quad
G_{-1}=\dot g,$$

and every box is a difference: a frame that ends at $t$ sees $(G_1(t)-G_1(t-e))/e$, with rows the
second
difference of $G_2$, for an input held over a frame that of $G_3$, and a network that is fed the
velocity
one integral less. These hold at any $t$: a frame that comes late is evaluated late.
""",
    assumptions=(
        "light is integrated evenly over the exposure, pixels are linear in light (BL)",
        "the face covers its rows evenly; the time of a frame is known",
    ),
    clauses=(
        Clause(text="the transfer of a box", label="proved", check=_box),
        Clause(
            text="the recursion of the integrals, from the oscillator's equation",
            label="proved",
            check=_integrals,
        ),
        Clause(
            text="33 ms turn 4 Hz by 24 degrees",
            label="certified",
            check=_angle,
            where="one frequency, one exposure",
        ),
        Clause(
            text="uneven frames, rows, held input and velocity",
            label="sampled",
            check=_oversampled,
            where=f"{len(MODES)} oscillators, 60 uneven frames, {OVER}-fold oversampling, to 1e-4",
        ),
        Clause(
            text="without exposure it is the exact zero-order hold",
            label="sampled",
            check=_snapshot,
            where=f"{len(MODES)} oscillators, 60 taps, to 1e-12",
        ),
    ),
    claim=TRUTH,
    mutants={
        "an exposure does not delay": replace(TRUTH, delay=sp.Integer(0)),
        "an exposure delays by all of itself": replace(TRUTH, delay=sp.Integer(1)),
        "the integrals without friction": replace(TRUTH, friction=0),
        "33 ms turn 4 Hz by 12 degrees": replace(TRUTH, degrees=12.0),
        "all rows are read together": replace(TRUTH, rows=0),
        "a kernel late by one frame": replace(TRUTH, late=1),
    },
    requires=("flint",),
    paper="The derivation samples the pulse at an instant. A camera does not.",
    numbers=numbers,
    references=(
        "M. Meingast, C. Geyer, S. Sastry, arXiv cs/0503076 (2005), for rolling shutters.",
    ),
)
