"""Exact evidence: a set of identities, each of which is zero or is not.

The residual of a symbolic check is the number of identities that fail, so that 0 means that all of
them hold and a mutant's residual says how many it breaks.
"""

from collections.abc import Mapping
from typing import Any

import sympy as sp

from pulsephase.proofs.theorem import Evidence


def vanishes(expression: Any) -> bool:
    """Say whether an expression is identically zero, without a global ``simplify``.

    Expands first, then brings a remainder over one denominator and cancels; what is still not zero
    is rewritten in exponentials. Each identity is small, so each step is cheap.

    Example:
        >>> x = sp.Symbol("x")
        >>> vanishes((x + 1) ** 2 - x**2 - 2 * x - 1), vanishes(x - 1)
        (True, False)
    """
    rest = sp.expand(sp.sympify(expression))
    if rest == 0:
        return True
    rest = sp.cancel(sp.together(rest))
    if rest == 0:
        return True
    return bool(sp.simplify(sp.expand(rest.rewrite(sp.exp))) == 0)


def all_vanish(identities: Mapping[str, Any]) -> Evidence:
    """Return evidence that every named expression is identically zero."""
    wrong = [name for name, expression in identities.items() if not vanishes(expression)]
    detail = f"{len(identities)} identities, exact"
    if wrong:
        detail = f"fails: {'; '.join(wrong)}"
    return Evidence(residual=float(len(wrong)), detail=detail)
