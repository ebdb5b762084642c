"""The chain in order: which module proves what; each is loaded only when it is asked for.

Each module is one file of this package and holds one `THEOREM`.
"""

from collections.abc import Iterable, Iterator
from importlib import import_module

from pulsephase.errors import ParameterError
from pulsephase.proofs.parts import parts_of
from pulsephase.proofs.theorem import Theorem

CATALOGUE: dict[str, str] = {
    "BL": "beer_lambert",
    "CO": "compliance",
    "T1": "t01_scaling",
    "T2": "t02_averaging",
    "T3": "t03_profile",
    "T4": "t04_telegraph",
    "T5": "t05_wall_and_leak",
    "T6": "t06_womersley",
    "T7": "t07_vacuity",
    "T8": "t08_modes",
    "T9": "t09_lumped",
    "T10": "t10_matched",
    "T11": "t11_schemes",
    "T12": "t12_lucas",
    "T13": "t13_stability",
    "T14": "t14_convolution",
    "T15": "t15_holds",
    "T16": "t16_tail",
    "T17": "t17_length",
    "SK": "skin",
    "T18": "t18_doubling",
    "T19": "t19_tensor_train",
    "T20": "t20_width",
    "T21": "t21_gates",
    "T22": "t22_whitening",
    "T23": "t23_consistency",
}


def ids() -> tuple[str, ...]:
    """Return the theorem ids in the order of the derivation."""
    return tuple(name for _, held in parts_of(CATALOGUE) for name in held)


def load(theorem_id: str) -> Theorem:
    """Import one theorem, and no other.

    Args:
        theorem_id: An id of `ids`; case does not matter.

    Raises:
        ParameterError: If there is no such theorem.
    """
    known = {name.upper(): module for name, module in CATALOGUE.items()}
    module = known.get(theorem_id.upper())
    if module is None:
        raise ParameterError(f"there is no theorem {theorem_id!r}; choose from {', '.join(ids())}")
    theorem: Theorem = import_module(f"pulsephase.proofs.{module}").THEOREM
    return theorem


def theorems(only: Iterable[str] = ()) -> Iterator[Theorem]:
    """Yield the theorems asked for in the order of the derivation (all of them by default).

    Raises:
        ParameterError: If ``only`` names a theorem that does not exist (before any is loaded).
    """
    wanted = {name.upper() for name in only}
    unknown = wanted - {name.upper() for name in CATALOGUE}
    if unknown:
        load(min(unknown))
    for name in ids():
        if not wanted or name.upper() in wanted:
            yield load(name)
