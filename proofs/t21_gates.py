"""T21: what gates add to the linear theory, bounded, layer by layer."""

from dataclasses import dataclass, field, replace

import numpy as np
import sympy as sp

from pulsephase.physics.gates import (
    bilinear_remainder,
    gate,
    gated_error_bound,
    gated_stack,
    linear_remainder,
    linear_stack,
)
from pulsephase.proofs.exact import all_true, all_vanish, within
from pulsephase.proofs.theorem import Clause, Evidence, Theorem

POINTS = 481
REACH = 6.0
ROUNDING = 1e-15


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """A claim: which terms the bounds hold, and how the error falls with the scale."""

    with_control: bool = True
    """The bound on a/2 holds ``|a||b|/4``."""
    quartic: bool = True
    """The bound on a/2 + ab/4 holds ``|a||b|^3/48``."""
    scale_power: int = 2
    cubic: sp.Rational = field(default=sp.Rational(1, 3))
    logistic_cubic: sp.Rational = field(default=sp.Rational(1, 48))
    modulation: sp.Rational = field(default=sp.Rational(1, 4))
    grows_through_layers: bool = True
    """An error is carried on, and grown, by the layers after."""


def _steps(claim: Gate) -> Evidence:
    """Verify the derivatives from which the bounds follow.

    tanh' = 1 - tanh^2, so for a > 0: (a - tanh a)' = tanh^2 a >= 0, hence tanh a <= a; and
    (a^3/3 - a + tanh a)' = a^2 - tanh^2 a >= 0, hence a - tanh a <= a^3/3. The logistic function is
    1/2 + tanh(b/2)/2, which carries both to it. All functions are odd and vanish at 0.
    """
    a, b = sp.symbols("a b", real=True)
    cubic = a**3 * claim.cubic - a + sp.tanh(a)
    logistic = 1 / (1 + sp.exp(-b))
    tanh = (1 - sp.exp(-b)) / (1 + sp.exp(-b))  # tanh(b/2)
    quarter = sp.Rational(1, 2) * (b / 2) ** 3 * claim.cubic
    return all_vanish(
        {
            "first derivative": sp.diff(a - sp.tanh(a), a) - sp.tanh(a) ** 2,
            "second derivative": sp.expand(sp.diff(cubic, a) - (a**2 - sp.tanh(a) ** 2)),
            "at zero": cubic.subs(a, 0),
            "logistic": logistic - sp.Rational(1, 2) - tanh / 2,
            "its cubic bound": quarter - b**3 * claim.logistic_cubic,
        }
    )


def _series(claim: Gate) -> Evidence:
    """Expand the gate at zero."""
    a, b = sp.symbols("a b")
    series = (
        sp.series(sp.tanh(a), a, 0, 4).removeO()
        * sp.series(1 / (1 + sp.exp(-b)), b, 0, 4).removeO()
    )
    stated = (a - a**3 / 3) * (sp.Rational(1, 2) + claim.modulation * b - b**3 / 48)
    return all_vanish({"series": sp.expand(series - stated)})


def _grid_bounds(claim: Gate) -> Evidence:
    """Walk a grid with the package's bounds."""
    slack = min(_linear_slack(claim), _bilinear_slack(claim))
    return within(-slack, ROUNDING, "largest excess over a bound")


def _stacks(claim: Gate) -> Evidence:
    """Compare gated stacks with linear ones, and the fall of the difference with the scale."""
    pairs = [_stack(layers, scale, claim) for layers, scale in CASES]
    return all_true(
        {
            "every stack is within its bound": all(found <= bound for found, bound in pairs),
            f"slope {_slope():.2f}": abs(_slope() - claim.scale_power) < 0.05,
        }
    )


CASES = tuple((layers, scale) for layers in (1, 3, 5) for scale in (4.0, 1.0, 0.25))


def _grid() -> tuple[np.ndarray, np.ndarray]:
    line = np.linspace(-REACH, REACH, POINTS)
    a, b = np.meshgrid(line, line)
    return a.ravel(), b.ravel()


def _linear_slack(claim: Gate) -> float:
    a, b = _grid()
    bound = linear_remainder(a, b)
    if not claim.with_control:
        bound = linear_remainder(a, np.zeros_like(b))
    return float((bound - np.abs(gate(a, b) - a / 2)).min())


def _bilinear_slack(claim: Gate) -> float:
    a, b = _grid()
    bound = bilinear_remainder(a, b)
    if not claim.quartic:
        bound = bound - np.abs(a) * np.abs(b) ** 3 / 48
    return float((bound - np.abs(gate(a, b) - a / 2 - a * b / 4)).min())


def _layers(count: int) -> tuple[list[np.ndarray], np.ndarray]:
    """Return the powers of the published scheme's balanced matrix, and an input within 1."""
    step = 1 / 30
    matrix = np.array([[1 - (9 * step) ** 2, 9 * step * 0.9], [-9 * step, 0.9]])
    rng = np.random.default_rng(0)
    drive = rng.uniform(-1, 1, 300)
    return [np.linalg.matrix_power(matrix, 2**level) for level in range(count)], np.stack(
        [step**2 * drive, step / 9 * drive]
    )


def _stack(count: int, scale: float, claim: Gate) -> tuple[float, float]:
    """Return the largest difference of gated and linear layers, and the certified bound."""
    mixing, channels = _layers(count)
    channels = channels / np.abs(channels).max()
    found = np.abs(gated_stack(mixing, channels, scale=scale) - linear_stack(mixing, channels))
    peak = float(np.abs(channels).max())
    if claim.grows_through_layers:
        return float(found.max()), gated_error_bound(mixing, peak=peak, scale=scale)
    return float(found.max()), gated_error_bound(mixing[:1], peak=peak, scale=scale)


def _slope() -> float:
    """Return the power of the scale with which the error falls."""
    mixing, channels = _layers(4)
    channels = channels / np.abs(channels).max()
    linear = linear_stack(mixing, channels)
    errors = [
        np.abs(gated_stack(mixing, channels, scale=scale) - linear).max() for scale in (0.04, 0.02)
    ]
    return float(np.log2(errors[0] / errors[1]))


def numbers() -> dict[str, str]:
    """Return how loose the certificate is, and the slope."""
    found, bound = _stack(3, 0.25, TRUTH)
    return {
        "three layers at scale 1/4: certified bound over the error met": f"{bound / found:.0f}",
        "error falls with the scale to the power": f"{_slope():.2f}",
    }


TRUTH = Gate()

THEOREM = Theorem(
    id="T21",
    title="Gates are linear up to a bounded remainder; their first effect is modulation",
    statement=r"""
For all real $a$, $b$

$$\left|\tanh(a)\,\sigma(b) - \frac{a}{2}\right| \leq \frac{|a|^3}{6} + \frac{|a||b|}{4},$$

$$\left|\tanh(a)\,\sigma(b) - \frac{a}{2} - \frac{ab}{4}\right|
\leq \frac{|a|^3}{6} + \frac{|a|^3|b|}{12} + \frac{|a||b|^3}{48} .$$

For residual layers **whose gates stand still** (gate weights zero, $\sigma$ a constant),
$s_t + \tanh(\epsilon W_ls_{t-2^l})/\epsilon$ with $n_l=\|W_l\|_\infty$ and
$|s^{(0)}|\leq X_0$, the distance from the linear layers is at most $E_L$, where

$$E_{l+1} = (1+n_l)E_l + \frac{\epsilon^2}{3}(n_lX_l)^3,\qquad X_{l+1} = (1+n_l)X_l,\qquad E_0=0 .$$

So a gated network with small in-weights and idle gates holds the linear one, to second order in
their scale. With live gates the error is of first order (LG). What a gate adds first is $ab/4$:
amplitude modulation, which is outside the linear theory.
""",
    assumptions=(
        "for the stacks: gate weights zero",
        "no normalisation, no ReLU after the sum",
        "inputs bounded by $X_0$",
    ),
    clauses=(
        Clause(
            text=r"the derivatives that bound $\\tanh$ and $\\sigma$, for all real $a$, $b$",
            label="proved",
            check=_steps,
        ),
        Clause(text="the first effect is $ab/4$", label="proved", check=_series),
        Clause(
            text="both bounds hold for the package's gate",
            label="sampled",
            check=_grid_bounds,
            where=f"{POINTS}^2 points up to {REACH:g}",
        ),
        Clause(
            text=r"stacks with gates that stand still are within $E_L$, which falls as "
            r"$\\epsilon^2$",
            label="sampled",
            check=_stacks,
            where="9 stacks; slope to 0.05",
        ),
    ),
    claim=TRUTH,
    mutants={
        "the linear bound without |a||b|/4": replace(TRUTH, with_control=False),
        "the bilinear bound without |a||b|^3/48": replace(TRUTH, quartic=False),
        "an error of fourth order": replace(TRUTH, scale_power=4),
        "tanh is within a^3/6": replace(TRUTH, cubic=sp.Rational(1, 6)),
        "the logistic function within b^3/96": replace(TRUTH, logistic_cubic=sp.Rational(1, 96)),
        "a gate modulates by ab/2": replace(TRUTH, modulation=sp.Rational(1, 2)),
        "errors of the first layer alone": replace(TRUTH, grows_through_layers=False),
    },
    paper="Gates appear in the network but not in the derivation. They are a perturbation of it, "
    "bounded here; a ReLU after the residual sum is not, and does not contain the linear map.",
    numbers=numbers,
)
