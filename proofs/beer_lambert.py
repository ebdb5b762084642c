"""BL: from blood volume to light, the first-order step of the camera model (Beer-Lambert)."""

from typing import Any

import sympy as sp

from pulsephase.proofs.exact import all_vanish
from pulsephase.proofs.theorem import Evidence, Theorem

POWER = sp.Symbol("g", positive=True)
INTENSITY, ABSORPTION, PATH, VOLUME, CHANGE = sp.symbols("I_0 epsilon ell V delta", positive=True)


def check(claim: dict[str, Any]) -> Evidence:
    """Compare the claimed linear law and its quadratic remainder with the exact attenuation."""
    light = INTENSITY * sp.exp(-ABSORPTION * PATH * VOLUME)
    change = light.subs(VOLUME, VOLUME + CHANGE) / light - 1
    change = sp.powsimp(sp.expand(change))
    identities = {
        "no change without a change of volume": change.subs(CHANGE, 0),
        "slope": sp.diff(change, CHANGE).subs(CHANGE, 0) - claim["slope"],
        "curvature": sp.diff(change, CHANGE, 2).subs(CHANGE, 0) / 2 - claim["remainder"],
        "the slope does not depend on the volume at rest": sp.diff(claim["slope"], VOLUME),
        "exact in the logarithm": sp.log(1 + change).subs(CHANGE, 1).rewrite(sp.exp)
        - claim["logarithm"],
        "a power code rescales the slope": sp.diff((1 + change) ** POWER, CHANGE).subs(CHANGE, 0)
        - claim["coded"],
    }
    return all_vanish(identities)


KAPPA = ABSORPTION * PATH
TRUTH = {
    "slope": -KAPPA,
    "remainder": KAPPA**2 / 2,
    "logarithm": -KAPPA,
    "coded": -POWER * KAPPA,
}

THEOREM = Theorem(
    id="BL",
    title="Light falls with blood volume, to first order",
    kind="symbolic",
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
    check=check,
    claim=TRUTH,
    mutants={
        "light rises with blood volume": {**TRUTH, "slope": KAPPA},
        "the linear law is exact": {**TRUTH, "remainder": sp.Integer(0)},
        "a power code changes nothing": {**TRUTH, "coded": -KAPPA},
        "the gain grows with the volume at rest": {**TRUTH, "slope": -KAPPA * VOLUME},
    },
    precision="identities, exact",
)
