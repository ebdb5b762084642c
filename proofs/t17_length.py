"""T17: how long a kernel must be, certified; and that 3 to 4 layers of k=3 are too short."""

from dataclasses import dataclass, replace
from fractions import Fraction

from pulsephase.physics.certify import RationalMode, certified_minimal_taps, certified_tail
from pulsephase.physics.truncation import layers_needed, receptive_field
from pulsephase.proofs.exact import all_true
from pulsephase.proofs.theorem import Evidence, Theorem

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The lengths of the five modes, and how many layers hold all of them."""

    lengths: tuple[int, ...] = LENGTHS
    layers: int = 7
    short_layers: tuple[int, ...] = (3, 4)
    short_is_enough: bool = False


def check(claim: Claim) -> Evidence:
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
    for layers in claim.short_layers:
        field = receptive_field(layers=layers, kernel_size=KERNEL_SIZE)
        tails = [certified_tail(mode_of(*values), taps=field) for values in MODES.values()]
        holds = all(tail.upper < limit for tail in tails)
        fails = any(tail.lower > limit for tail in tails)
        right = holds if claim.short_is_enough else fails
        facts[f"{layers} layers, {field} frames"] = right
    return all_true(facts)


def numbers() -> dict[str, str]:
    """Return the certified length of each mode, its layers, and what 31 frames leave out."""
    rows = {}
    field = receptive_field(layers=4, kernel_size=KERNEL_SIZE)
    for name, values in MODES.items():
        mode = mode_of(*values)
        taps = certified_minimal_taps(mode, tolerance=TOLERANCE)
        layers = layers_needed(taps, kernel_size=KERNEL_SIZE)
        left = 100 * certified_tail(mode, taps=field).upper
        rows[name] = f"{taps} taps, {layers} layers; beyond {field} frames {left:.1f} %"
    return rows


TRUTH = Claim()

THEOREM = Theorem(
    id="T17",
    title="Three to four layers are too short for their own theory",
    kind="certified",
    statement=r"""
$M$ is the smallest number of taps whose relative tail is at most $\epsilon$, certified in ball
arithmetic: $\mathrm{tail}(M)\leq\epsilon<\mathrm{tail}(M-1)$. A stack of $L$ layers of size $k$
with dilations $1,2,4,\ldots$ sees $1+(k-1)(2^L-1)$ frames: 15 for $L=3$ and 31 for $L=4$ at $k=3$.

At 30 frames per second and $\epsilon=0.01$ neither holds the oscillators of the theory: a lightly
damped one rings on, and an overdamped one creeps on, for longer. Only damping ratios around 0.7
to 1 fit. Six layers (127 frames) hold most, seven the lightly damped one as well.
""",
    assumptions=(
        "an exact zero-order hold at 30 frames per second",
        "a network that is only the convolution: a recurrent head adds memory without end",
    ),
    check=check,
    claim=TRUTH,
    mutants={
        "one tap fewer": replace(TRUTH, lengths=tuple(taps - 1 for taps in LENGTHS)),
        "one tap more": replace(TRUTH, lengths=tuple(taps + 1 for taps in LENGTHS)),
        "three to four layers suffice": replace(TRUTH, short_is_enough=True),
        "six layers hold all": replace(TRUTH, layers=6),
    },
    requires=("flint",),
    paper="The paper derives that a kernel of the receptive field's length suffices and uses three "
    "to four layers of k=3; by its own theory they are too short for most oscillators.",
    precision="intervals that contain the true value; no tolerance",
    numbers=numbers,
)
