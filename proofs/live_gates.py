"""LG: gates that see the signal add an error of first order, and what that error is."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import sympy as sp

from pulsephase.physics.gates import (
    gated_stack,
    linear_stack,
    live_error_bound,
    live_stack,
)
from pulsephase.proofs.exact import all_true, all_vanish, within
from pulsephase.proofs.theorem import Clause, Evidence, Theorem

A, B, EPS = sp.symbols("a b epsilon", positive=True)
CASES = tuple((layers, scale) for layers in (1, 3, 5) for scale in (0.5, 0.1, 0.02))


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """A claim: the first-order term, the bound's terms, and the fall of the error."""

    product: Any = field(default=sp.Rational(1, 2))
    """Factor of epsilon a b in the layer."""
    power: float = 1.0
    bound_product: Any = field(default=sp.Rational(1, 2))
    bound_scale: float = 1.0
    idle_power: float = 2.0


def _volterra(claim: Live) -> Evidence:
    """Expand a layer with both branches scaled, in the scale."""
    layer = 2 / EPS * sp.tanh(EPS * A) / (1 + sp.exp(-EPS * B))
    found = sp.series(layer, EPS, 0, 2).removeO()
    return all_vanish({"layer": sp.expand(found - A - claim.product * EPS * A * B)})


def _bound(claim: Live) -> Evidence:
    """Scale the bound of T21: (2/eps) (eps^3 a^3/6 + eps^2 a b/4)."""
    scaled = 2 / EPS * ((EPS * A) ** 3 / 6 + EPS * A * EPS * B / 4)
    stated = claim.bound_product * EPS * A * B + EPS**2 * A**3 / 3
    return all_vanish({"bound": sp.expand(scaled - stated)})


def _stacks(claim: Live) -> Evidence:
    """Compare live stacks with linear ones against the bound."""
    worst = 0.0
    for layers, scale in CASES:
        mixing, gating, channels = _layers(layers)
        found = np.abs(
            live_stack(mixing, gating, channels, scale=scale) - linear_stack(mixing, channels)
        ).max()
        bound = live_error_bound(mixing, gating, peak=1.0, scale=scale)
        worst = max(worst, float(found / (claim.bound_scale * bound)))
    return within(worst, 1.0, "largest error over bound")


def _slopes(claim: Live) -> Evidence:
    """Fit the power of the scale with which the error falls, for live and for idle gates."""
    live, idle = slopes()
    return all_true(
        {
            f"live {live:.2f}": abs(live - claim.power) < 0.1,
            f"idle {idle:.2f}": abs(idle - claim.idle_power) < 0.1,
        }
    )


def _layers(count: int) -> tuple[list[np.ndarray], list[np.ndarray], np.ndarray]:
    """Return signal and gate weights of some layers, and an input within 1."""
    rng = np.random.default_rng(0)
    matrix = np.array([[0.91, 0.27], [-0.3, 0.9]])
    mixing = [np.linalg.matrix_power(matrix, 2**level) for level in range(count)]
    gating = [0.5 * rng.standard_normal((2, 2)) for _ in range(count)]
    return mixing, gating, rng.uniform(-1, 1, (2, 300))


def slopes() -> tuple[float, float]:
    """Return the powers of the scale with which the error of four layers falls."""
    mixing, gating, channels = _layers(4)
    linear = linear_stack(mixing, channels)
    found = []
    for run in (
        lambda scale: live_stack(mixing, gating, channels, scale=scale),
        lambda scale: gated_stack(mixing, channels, scale=scale),
    ):
        errors = [np.abs(run(scale) - linear).max() for scale in (0.004, 0.002)]
        found.append(float(np.log2(errors[0] / errors[1])))
    return found[0], found[1]


def numbers() -> dict[str, str]:
    """Return the two powers."""
    live, idle = slopes()
    return {"error falls with the scale to the power: live, idle gates": f"{live:.2f}, {idle:.2f}"}


TRUTH = Live()

THEOREM = Theorem(
    id="LG",
    title="Gates that see the signal err in first order: they modulate",
    statement=r"""
Scale **both** branches of a gated layer, $s_t + \frac{2}{\epsilon}\tanh(\epsilon a)\,
\sigma(\epsilon b)$ with $a=W_ls_{t-2^l}$ and $b=V_ls_{t-2^l}$. Then

$$\frac{2}{\epsilon}\tanh(\epsilon a)\,\sigma(\epsilon b)
= a + \frac{\epsilon}{2}\,ab + O(\epsilon^2),$$

the first term of a Volterra series beyond the linear one, and the distance from the linear layers
is
at most $E_L$, where with $n_l=\|W_l\|_\infty$, $v_l=\|V_l\|_\infty$

$$E_{l+1} = (1+n_l)E_l + \frac{\epsilon}{2}\,n_lv_lX_l^2 + \frac{\epsilon^2}{3}(n_lX_l)^3,$$

$$X_{l+1} = \left(1+n_l+\frac{\epsilon}{2}\,n_lv_lX_l\right)X_l, \qquad E_0=0 .$$

The error of a network whose gates are alive falls as $\epsilon$, not as $\epsilon^2$; the second
order of T21 needs gates that stand still.
""",
    assumptions=("inputs bounded by $X_0$", "no normalisation, no ReLU after the sum"),
    clauses=(
        Clause(text=r"the layer to first order in $\epsilon$", label="proved", check=_volterra),
        Clause(text="T21's bound, scaled", label="proved", check=_bound),
        Clause(
            text="stacks with live gates are within $E_L$",
            label="sampled",
            check=_stacks,
            where=f"{len(CASES)} stacks",
        ),
        Clause(
            text=r"the error falls as $\epsilon$; with idle gates as $\epsilon^2$",
            label="sampled",
            check=_slopes,
            where="4 layers, one halving",
        ),
    ),
    claim=TRUTH,
    mutants={
        "live gates err in second order": replace(TRUTH, power=2.0),
        "idle gates err in first order": replace(TRUTH, idle_power=1.0),
        "a gate adds no product": replace(TRUTH, product=sp.Integer(0)),
        "the bound without its product": replace(TRUTH, bound_product=sp.Integer(0)),
        "a bound a thousand times smaller": replace(TRUTH, bound_scale=1e-3),
    },
    numbers=numbers,
    references=("M. Schetzen, The Volterra and Wiener Theories of Nonlinear Systems (1980).",),
)
