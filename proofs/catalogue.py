"""The chain in order: which module proves what; each is loaded only when it is asked for.

Each module is one file of this package and holds one `THEOREM`.

The chain is read in parts: a heading, a lead, and the theorems under it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module

from pulsephase.errors import ParameterError
from pulsephase.proofs.theorem import Theorem, Verdict
from pulsephase.proofs.theorem import prove as prove_theorem

TITLE = "From blood flow to a causal convolution"
LEAD = (
    "A published chain leads from the Navier-Stokes equations to a dilated causal convolutional "
    "network for the pulse in face video. This is that chain with every step checked by the code "
    "that the package runs on, with what each step assumes, and with the places where it does not "
    "hold. Each check is also run on wrong versions of its claim, which it must refuse: a check "
    "that lets a wrong claim through proves nothing."
)
SCOPE = (
    "The published chain (PHASE-Net, arXiv 2509.24850) is judged by its abstract, its public "
    "summary "
    "and its released model file; its appendix was not at hand, so where the paper and the "
    "truth are "
    "said to part, the paper's own proof may already say so. Sizes and speeds of vessels are "
    "nominal: orders of magnitude for which "
    "no source was verified, so conclusions are drawn over ranges. Skin optics in three "
    "dimensions, mean flow, taper and branching are left out. References name where a step "
    "stands in "
    "the literature; they were not looked up page by page."
)


NOTATION: tuple[tuple[str, str, str, str], ...] = (
    (r"$\zeta$", "exponent of the velocity profile", "1", "T3, T4, T6"),
    (r"$\zeta$", r"damping ratio $\alpha/2\omega$ of an oscillator", "1", "T5 and from T8 on"),
    (r"$\alpha$", "friction per mass: damping rate of the line and of its modes", "1/s", "all"),
    (r"$\alpha_c$", "momentum correction of the profile", "1", "T2 to T4"),
    (r"$\omega$, $\omega_0$", "undamped angular frequency of an oscillator", "rad/s", "all"),
    (r"$\Omega$", "angular frequency of the heart's forcing", "rad/s", "T1, T7, HT, ID"),
    ("$C_A$", "compliance per length, $dA/dp$", "m^2/Pa", "CO, T4"),
    ("$C$, $C_v$, $C_t$", "compliance lumped, of the wall, of the bed", "m^3/Pa", "T9, SK"),
    ("$C$", "read-out row of a state space model", "1", "T14, T18, T22, KF"),
    ("$C$, $S$", "decaying cosine and sine of one step", "1, s", "T11, T15, CAM"),
    ("$S$", r"size $|s(s+\alpha)|$ in a bound; variance of the innovations", "-", "T8; KF"),
    ("$R$, $R_0$", "inner radius of a vessel", "m", "T1 to T6"),
    ("$R$, $R_p$, $R_a$, $R_t$", "resistance of line, bed, arterioles, all", "Pa s/m^3", "T9, SK"),
    ("$L$", "length of a vessel", "m", "T8 to T10, SK"),
    ("$L$", "number of layers", "1", "T17 to T21, KF"),
    ("$L_i$", "inertance of the blood in a line", "kg/m^4", "T9, SK"),
    ("$A$, $A_0$", "cross-section, at rest", "m^2", "T2 to T6"),
    ("$A$, $B$", "transition and drive of a state space model", "-", "T14, T18, T22, KF"),
    ("$T$, $D$", "trace and determinant of one step", "1", "T11 to T13, KF"),
    ("$T$", "transit time $x_0/c$ or $L/c$", "s", "T10, SK"),
    ("$h$, $a$, $w$", r"step; $\alpha h$, $\omega h$", "s, 1, 1", "T11 to T15"),
    ("$q$", "delay by one sample; residue in T8 is in $q=s(s+\\alpha)$", "-", "T11 on; T8"),
    ("$F$, $K$, $P$", "closed loop, gain, error covariance of the Kalman filter", "-", "T22, KF"),
    ("$e$, $\\rho$", r"exposure and read-out time; $\rho$ is density in T2 to T6", "s", "CAM"),
    (r"$\varrho$", "largest size of a discrete pole", "1", "T16"),
)
"""Symbol, meaning, unit, and where; several letters mean more than one thing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A stretch of the chain.

    Attributes:
        title: Its heading.
        lead: What it does, in a sentence or two.
        ids: Theorems in order.
    """

    title: str
    lead: str
    ids: tuple[str, ...]


PARTS = (
    Part(
        title="Light and volume",
        lead="What a pixel says about the blood below it.",
        ids=("BL", "CO"),
    ),
    Part(
        title="From Navier-Stokes to a line",
        lead="A long wave in a thin compliant tube is a telegraph line. This part of the chain is "
        "sound, with two conditions that are easily forgotten: the Womersley number, and the "
        "inertia of the profile.",
        ids=("T1", "T2", "T3", "T4", "T5", "T6"),
    ),
    Part(
        title="The gap between the line and the oscillator",
        lead="An equation in space and time does not become an oscillator by looking at one point. "
        "What stands at the end of the vessel decides: a closed end gives oscillators, a bed "
        "gives one "
        "with an error, a matched end none; on the way to the skin nothing rings up to 4 Hz.",
        ids=("T7", "T8", "DP", "T9", "T10", "SK"),
    ),
    Part(
        title="From the oscillator to samples",
        lead="Seven ways to step an oscillator, each with its exact kernel, its region of "
        "stability and its error, and what the camera adds. This part maps forcing to pulse; "
        "the map "
        "from noisy frames to pulse is that of T22 and KF.",
        ids=("T11", "T12", "T13", "T14", "T15", "HT", "CAM"),
    ),
    Part(
        title="How long the kernel must be",
        lead="What is lost when the kernel is cut, as an equality, and the shortest cut that is "
        "enough.",
        ids=("T16", "T17"),
    ),
    Part(
        title="The network",
        lead="Which dilated causal networks are the kernel exactly, which are too narrow, and what "
        "gates add.",
        ids=("T18", "T19", "T20", "W3", "T21", "LG"),
    ),
    Part(
        title="From noisy frames to the pulse",
        lead="A network estimates the pulse, it does not generate it: what its kernel does and "
        "does not say about the vessel, and which network the physics asks for.",
        ids=("T22", "ID", "KF", "T23"),
    ),
)


def parts_of(ids: Iterable[str]) -> Iterator[tuple[Part, tuple[str, ...]]]:
    """Yield the parts that hold some of the given theorems, with those; the rest comes last.

    Example:
        >>> [(part.title, held) for part, held in parts_of(["CO", "BL", "X"])]
        [('Light and volume', ('BL', 'CO')), ('Further', ('X',))]
    """
    left = dict.fromkeys(ids)
    for part in PARTS:
        held = tuple(name for name in part.ids if name in left)
        for name in held:
            del left[name]
        if held:
            yield part, held
    if left:
        yield Part(title="Further", lead="", ids=tuple(left)), tuple(left)


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
    "DP": "direct_path",
    "T9": "t09_lumped",
    "T10": "t10_matched",
    "T11": "t11_schemes",
    "T12": "t12_lucas",
    "T13": "t13_stability",
    "T14": "t14_convolution",
    "T15": "t15_holds",
    "HT": "hold_table",
    "CAM": "camera",
    "T16": "t16_tail",
    "T17": "t17_length",
    "SK": "skin",
    "T18": "t18_doubling",
    "T19": "t19_tensor_train",
    "T20": "t20_width",
    "W3": "three_taps",
    "T21": "t21_gates",
    "LG": "live_gates",
    "T22": "t22_whitening",
    "ID": "identifiability",
    "KF": "closing",
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


def prove(*only: str) -> tuple[Verdict, ...]:
    """Check theorems of the derivation: each must hold, and each wrong version of it must fail.

    Args:
        only: Ids such as ``"T14"``; none checks all of them, which takes minutes.

    Returns:
        One verdict for each, in the order of the derivation. A theorem whose optional package is
        missing is not run: its ``holds`` is none.

    Raises:
        ParameterError: If there is no theorem of that id; before any is checked.

    Example:
        >>> (found,) = prove("T14")
        >>> found.proved
        True
    """
    return tuple(prove_theorem(theorem) for theorem in theorems(only))
