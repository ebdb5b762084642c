"""What differs between the recordings of a person in a public set, in words and in ranges."""

from dataclasses import dataclass, field, replace

from pulsephase.synthetic.config import SynthConfig
from pulsephase.synthetic.presets import PRESETS

# a calm heart, and a wave whose fundamental leads: contact waves of people at rest
_CALM = replace(
    PRESETS["easy"].pulse,
    respiratory_depth=(0.0, 0.03),
    mayer_depth=(0.0, 0.02),
    drift=0.03,
    reflection=(0.1, 0.3),
    damping=(0.4, 0.8),
)
_EASY = replace(PRESETS["easy"], pulse=_CALM)
_MOVING = replace(_EASY, motion=replace(_EASY.motion, scale=(0.2, 0.4)))
_TALKING = replace(_EASY, motion=replace(_EASY.motion, talking_probability=1.0))
_LIT = replace(PRESETS["light"], pulse=_CALM)


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """What differs between the recordings of one person: its words in the set, and the ranges."""

    words: tuple[str, ...]
    config: SynthConfig = field(default=_EASY)


CONDITIONS = {
    "ubfc": (Condition(words=()),),
    "ubfc1": (Condition(words=()),),
    "pure": (
        Condition(words=("01",)),
        Condition(words=("03",), config=_MOVING),
        Condition(words=("02",), config=_TALKING),
        Condition(words=("05",), config=_MOVING),
    ),
    "mmpd": (
        Condition(words=("LED-low", "Stationary")),
        Condition(words=("Nature", "Watching Videos"), config=_MOVING),
        Condition(words=("Incandescent", "Talking"), config=_TALKING),
        Condition(words=("LED-high", "Rotation"), config=_LIT),
    ),
    "buaa": (
        Condition(words=("10.0",)),
        Condition(words=("1.0",), config=_LIT),
        Condition(words=("100.0",)),
        Condition(words=("39.8",), config=_LIT),
    ),
    "scamps": (Condition(words=()),),
    "samples": (Condition(words=()),),
}
WIDE = ("mmpd",)  # seen in 16:9, stored squeezed
TIMED = ("ubfc", "pure")  # hold the times of frames
