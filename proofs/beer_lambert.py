"""BL: from blood volume to light, the first-order step of the camera model (Beer-Lambert)."""

from typing import Any

import sympy as sp

from pulsephase.proofs.exact import all_vanish
from pulsephase.proofs.theorem import Clause, Evidence, Theorem

POWER = sp.Symbol("g", positive=True)
INTENSITY, ABSORPTION, PATH, VOLUME, CHANGE = sp.symbols("I_0 epsilon ell V delta", positive=True)


def _relative_change(claim: dict[str, Any]) -> sp.Expr:
    """Return I(V + delta)/I(V) - 1 under the claimed law of light."""
    light = claim["light"]
    return sp.powsimp(sp.expand(light.subs(VOLUME, VOLUME + CHANGE) / light)) - 1


def _linear(claim: dict[str, Any]) -> Evidence:
    """Differentiate the change of light at rest."""
    change = _relative_change(claim)
    return all_vanish(
        {
            "no change without a change of volume": change.subs(CHANGE, 0),
            "slope": sp.diff(change, CHANGE).subs(CHANGE, 0) - claim["slope"],
            "the slope does not depend on the volume at rest": sp.diff(claim["slope"], VOLUME),
        }
    )


def _remainder(claim: dict[str, Any]) -> Evidence:
    """Compare the quadratic term with the claimed one."""
    curvature = sp.diff(_relative_change(claim), CHANGE, 2).subs(CHANGE, 0) / 2
    return all_vanish({"curvature": curvature - claim["remainder"]})


def _logarithm(claim: dict[str, Any]) -> Evidence:
    """Take the logarithm for every change, not at a point."""
    found = sp.expand_log(sp.log(_relative_change(claim) + 1), force=True)
    return all_vanish({"logarithm": found - claim["logarithm"] * CHANGE})


def _coded(claim: dict[str, Any]) -> Evidence:
    """Differentiate a power of the light."""
    coded = (1 + _relative_change(claim)) ** POWER
    return all_vanish({"a power code": sp.diff(coded, CHANGE).subs(CHANGE, 0) - claim["coded"]})


KAPPA = ABSORPTION * PATH
TRUTH = {
    "light": INTENSITY * sp.exp(-ABSORPTION * PATH * VOLUME),
    "slope": -KAPPA,
    "remainder": KAPPA**2 / 2,
    "logarithm": -KAPPA,
    "coded": -POWER * KAPPA,
}
HYPERBOLIC = INTENSITY / (1 + KAPPA * VOLUME)

THEOREM = Theorem(
    id="BL",
    title="Light falls with blood volume, to first order",
    statement=r"""
Light that crosses a path $\ell$ through a volume $V$ of absorber of strength $\epsilon$ is

$$I = I_0\,e^{-\epsilon\,\ell\,V}.$$

For a small change of volume $\delta V$, with $\kappa = \epsilon\,\ell > 0$,

$$\frac{\delta I}{I} = -\kappa\,\delta V + \frac{\kappa^2}{2}\,\delta V^2 + O(\delta V^3),
\qquad \delta \log I = -\kappa\,\delta V \quad\text{exactly}.$$

The sign is negative: more blood, less light. The logarithm of the intensity is linear in the volume
without any smallness. A camera that codes light as a power, $I^g$, only multiplies $\kappa$ by $g$;
a curve that is not a power does not keep the law.
""",
    assumptions=(
        "geometry, illumination and optical path do not change in time",
        "one absorber, one wavelength band",
        "pixels are linear in light, or coded by a power of it",
    ),
    clauses=(
        Clause(
            text=r"$\delta I/I$ starts as $-\kappa\,\delta V$, at every volume at rest",
            label="proved",
            check=_linear,
        ),
        Clause(text=r"its next term is $\kappa^2\delta V^2/2$", label="proved", check=_remainder),
        Clause(
            text=r"$\delta\log I = -\kappa\,\delta V$ for every $\delta V$",
            label="proved",
            check=_logarithm,
        ),
        Clause(text=r"a power code multiplies $\kappa$ by $g$", label="proved", check=_coded),
    ),
    claim=TRUTH,
    mutants={
        "light rises with blood volume": {**TRUTH, "slope": KAPPA},
        "the linear law is exact": {**TRUTH, "remainder": sp.Integer(0)},
        "a power code changes nothing": {**TRUTH, "coded": -KAPPA},
        "a light law whose logarithm is not linear": {**TRUTH, "light": HYPERBOLIC},
        "the logarithm is linear with half the slope": {**TRUTH, "logarithm": -KAPPA / 2},
        "the gain grows with the volume at rest": {**TRUTH, "slope": -KAPPA * VOLUME},
    },
    references=(
        "W. G. Zijlstra, A. Buursma, O. W. van Assendelft, Visible and Near Infrared Absorption "
        "Spectra of Human and Animal Haemoglobin (2000), for the law and its strengths.",
    ),
)
