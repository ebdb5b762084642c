"""T17: how long a kernel must be, certified; and that 3 to 4 layers of k=3 are too short."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction

from pulsephase.physics.certify import RationalMode, certified_minimal_taps, certified_tail
from pulsephase.physics.truncation import layers_needed, receptive_field
from pulsephase.proofs.exact import all_true
from pulsephase.proofs.theorem import Clause, Evidence, Theorem

TOLERANCE = Fraction(1, 100)
FRAMES_HZ = Fraction(30)
TURN = Fraction(710, 113)  # 2 pi to 8 digits: the modes are rational by choice, not by rounding
KERNEL_SIZE = 3
MODES = {
    "rings, 1.2 Hz, damping 0.1": (Fraction(6, 5), Fraction(1, 10)),
    "rings, 1.2 Hz, damping 0.5": (Fraction(6, 5), Fraction(1, 2)),
    "critical, 1.2 Hz": (Fraction(6, 5), Fraction(1)),
    "creeps, 1.2 Hz, damping 2": (Fraction(6, 5), Fraction(2)),
    "creeps, 2 Hz, damping 5": (Fraction(2), Fraction(5)),
}
LENGTHS = (184, 38, 28, 71, 111)


def mode_of(natural_hz: Fraction, damping: Fraction) -> RationalMode:
    """Return a mode at 30 frames per second under the exact zero-order hold."""
    omega = TURN * natural_hz
    return RationalMode(alpha_per_s=2 * damping * omega, omega_rad_s=omega, sample_hz=FRAMES_HZ)


def _tenths(*values: int) -> tuple[Fraction, ...]:
    return tuple(Fraction(value, 20) for value in values)


# dampings in twentieths: those that 31 frames hold, and those just outside or between
FITS: Mapping[Fraction, tuple[tuple[Fraction, ...], tuple[Fraction, ...]]] = {
    Fraction(7, 10): ((), _tenths(10, 12, 14, 16, 18, 19, 20, 21, 22, 24, 30)),
    Fraction(6, 5): (_tenths(12, 16, 20, 21), _tenths(11, 22)),
    Fraction(2): (_tenths(8, 16, 24, 30), _tenths(7, 31)),
    Fraction(4): (_tenths(4, 20, 40, 56), _tenths(3, 57)),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The lengths of the five modes, and how many layers hold all of them."""

    lengths: tuple[int, ...] = LENGTHS
    layers: int = 7
    fits: Mapping[Fraction, tuple[tuple[Fraction, ...], tuple[Fraction, ...]]] = field(
        default_factory=lambda: FITS
    )


def _lengths(claim: Claim) -> Evidence:
    """Certify that each length suffices and that one tap fewer does not, in ball arithmetic."""
    facts = {}
    limit = float(TOLERANCE)
    for (name, values), taps in zip(MODES.items(), claim.lengths, strict=True):
        mode = mode_of(*values)
        facts[f"{name}: {taps} taps suffice"] = certified_tail(mode, taps=taps).upper < limit
        facts[f"{name}: {taps - 1} do not"] = certified_tail(mode, taps=taps - 1).lower > limit
    first = mode_of(*next(iter(MODES.values())))
    found = certified_minimal_taps(first, tolerance=TOLERANCE)
    facts["the search finds the first of them"] = found == claim.lengths[0]
    longest = max(claim.lengths)
    facts["layers for all"] = layers_needed(longest, kernel_size=KERNEL_SIZE) == claim.layers
    return all_true(facts)


def _fits(claim: Claim) -> Evidence:
    """Certify at which dampings 31 frames hold a mode, and that a step beyond they do not."""
    frames = receptive_field(layers=4, kernel_size=KERNEL_SIZE)
    limit = float(TOLERANCE)
    facts = {}
    for natural, (inside, outside) in claim.fits.items():
        for damping in inside:
            tail = certified_tail(mode_of(natural, damping), taps=frames)
            facts[f"{natural} Hz, {damping}: fits"] = tail.upper < limit
        for damping in outside:
            tail = certified_tail(mode_of(natural, damping), taps=frames)
            facts[f"{natural} Hz, {damping}: does not"] = tail.lower > limit
    return all_true(facts)


def numbers() -> dict[str, str]:
    """Return the certified length of each mode, its layers, and what 31 frames leave out."""
    rows = {}
    frames = receptive_field(layers=4, kernel_size=KERNEL_SIZE)
    for name, values in MODES.items():
        mode = mode_of(*values)
        taps = certified_minimal_taps(mode, tolerance=TOLERANCE)
        layers = layers_needed(taps, kernel_size=KERNEL_SIZE)
        left = 100 * certified_tail(mode, taps=frames).upper
        rows[name] = f"{taps} taps, {layers} layers; beyond {frames} frames {left:.1f} %"
    return rows


TRUTH = Claim()

THEOREM = Theorem(
    id="T17",
    title="Three to four layers are too short for their own theory",
    statement=r"""
$M$ is the smallest number of taps whose relative tail is at most $\epsilon$, certified in ball
arithmetic: $\mathrm{tail}(M)\leq\epsilon<\mathrm{tail}(M-1)$. A stack of $L$ layers of size $k$
with dilations $1,2,4,\ldots$ sees $1+(k-1)(2^L-1)$ frames: 15 for $L=3$ and 31 for $L=4$ at $k=3$.

At 30 frames per second and $\epsilon=0.01$ neither holds all oscillators of the theory: a lightly
damped one rings on, and an overdamped one creeps on, for longer. What fits into 31 frames depends
on
the frequency: at 0.7 Hz no damping, at 1.2 Hz dampings of 0.6 to 1.05, at 2 Hz 0.4 to 1.5, at 4 Hz
0.2 to 2.8. Six layers (127 frames) hold most, seven the lightly damped one as well.
""",
    assumptions=(
        "an exact zero-order hold at 30 frames per second",
        "the kernel of the oscillator itself; what an estimator needs is in T22 and KF",
        "a network that is only the convolution: a recurrent head adds memory without end",
    ),
    clauses=(
        Clause(
            text="the least length of each mode, and the layers for all",
            label="certified",
            check=_lengths,
            where="5 modes: the length suffices, one tap fewer does not",
        ),
        Clause(
            text="which dampings 31 frames hold",
            label="certified",
            check=_fits,
            where="4 frequencies, 29 dampings in steps of 0.05 beside the limits",
        ),
    ),
    claim=TRUTH,
    mutants={
        "one tap fewer": replace(TRUTH, lengths=tuple(taps - 1 for taps in LENGTHS)),
        "one tap more": replace(TRUTH, lengths=tuple(taps + 1 for taps in LENGTHS)),
        "dampings of 0.7 to 1 fit, at 0.7 Hz too": replace(
            TRUTH, fits={Fraction(7, 10): (_tenths(14, 20), ())}
        ),
        "at 4 Hz only dampings of 0.7 to 1 fit": replace(
            TRUTH, fits={Fraction(4): (_tenths(14, 20), _tenths(13, 21))}
        ),
        "six layers hold all": replace(TRUTH, layers=6),
    },
    requires=("flint",),
    paper="The paper derives that a kernel of the receptive field's length suffices and uses three "
    "to four layers of k=3; by its own theory they are too short for most oscillators.",
    numbers=numbers,
)
