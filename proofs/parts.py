"""The chain in parts, as a reader meets it: a heading, a lead, and the theorems under it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

TITLE = "From blood flow to a causal convolution"
LEAD = (
    "A published chain leads from the Navier-Stokes equations to a dilated causal convolutional "
    "network for the pulse in face video. This is that chain with every step checked by the code "
    "that the package runs on, with what each step assumes, and with the places where it does not "
    "hold. Each check is also run on wrong versions of its claim, which it must refuse: a check "
    "that lets a wrong claim through proves nothing."
)
SCOPE = (
    "The published chain (PHASE-Net, arXiv 2509.24850) is judged by its public description and its "
    "released model file. Sizes and speeds of vessels are nominal: orders of magnitude for which "
    "no source was verified, so conclusions are drawn over ranges. Skin optics in three "
    "dimensions, mean flow, taper and branching are left out."
)


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
        "What stands at the end of the vessel decides: a closed end gives oscillators and a direct "
        "path, a bed gives one with an error, a matched end none, and in the skin none rings.",
        ids=("T7", "T8", "T9", "T10", "SK"),
    ),
    Part(
        title="From the oscillator to samples",
        lead="Seven ways to step an oscillator, each with its exact kernel, its region of "
        "stability and its error.",
        ids=("T11", "T12", "T13", "T14", "T15"),
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
        ids=("T18", "T19", "T20", "T21"),
    ),
    Part(
        title="Reading a trained network",
        lead="A network estimates the pulse, it does not generate it: what its kernel does and "
        "does not say about the vessel.",
        ids=("T22", "T23"),
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
