"""Exact evidence: a set of identities, each of which is zero or is not.

The residual of a symbolic check is the number of identities that fail, so that 0 means that all of
them hold and a mutant's residual says how many it breaks.
"""

import math
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


def all_vanish(identities: Mapping[str, Any], **also: bool) -> Evidence:
    """Return evidence that every named expression is identically zero.

    Args:
        identities: Expressions that must vanish.
        also: Further facts, by a name in snake case, that must be true.
    """
    facts = {name: vanishes(expression) for name, expression in identities.items()}
    return all_true(facts | {name.replace("_", " "): fact for name, fact in also.items()})


def all_true(facts: Mapping[str, bool]) -> Evidence:
    """Return evidence that every named fact is true; the residual counts those that are not."""
    wrong = [name for name, fact in facts.items() if not fact]
    detail = f"{len(facts)} facts"
    if wrong:
        detail = f"fails: {'; '.join(wrong)}"
    return Evidence(residual=float(len(wrong)), detail=detail)


def within(residual: float, tolerance: float, detail: str = "largest difference") -> Evidence:
    """Return evidence that a residual is at most a tolerance."""
    return Evidence(residual=float(residual), tolerance=tolerance, detail=detail)


def highest(ball: Any) -> float:
    """Return the upper end of a ball as a float; infinite where the ball is not finite.

    A maximum with a NaN would pass silently; a maximum with infinity does not.
    """
    upper = float(ball.upper())
    return math.nextafter(upper, math.inf) if math.isfinite(upper) else math.inf


def computes(
    found: float, expression: Any, values: Mapping[Any, Any], *, relative: float = 1e-12
) -> bool:
    """Say whether the package's number is that of an expression, to rounding.

    Ties the symbols of a proof to the functions that the rest of the package runs on.

    Example:
        >>> x = sp.Symbol("x")
        >>> computes(9.0, x**2, {x: 3}), computes(9.1, x**2, {x: 3})
        (True, False)
    """
    expected = float(sp.N(sp.sympify(expression).subs(values), 30))
    return abs(found - expected) <= relative * abs(expected)
