"""Clips of real footage with planted pulses, as a source of a training.

People are kept apart: who is trained on is never validated on. What is planted, and what of the
footage is shown, is a pure function of the clip's number.
"""

from dataclasses import dataclass, replace
from typing import Any, final

import torch

from pulsephase.errors import ParameterError
from pulsephase.models.config import PhaseNetConfig
from pulsephase.synthetic.footage import FootageEntry, cached_footage
from pulsephase.synthetic.plant import plant_preset
from pulsephase.synthetic.planted_clip import AS_IT_IS, Planter
from pulsephase.synthetic.seeds import SEED_STRIDE, TRAINING_SEED, VALIDATION_SEED
from pulsephase.training.config import PlantedSource
from pulsephase.training.sources import Clip, Source


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Planted(Source):
    """Clips of a cache of footage.

    Attributes:
        share: Weight among the sources.
        first_seed: Of the training clip with number 0.
        train_on: Clips of the people to train on.
        validate_on: Clips of the others, seen as they are; none if nobody is held out.
    """

    share: float
    first_seed: int
    train_on: Planter
    validate_on: Planter | None

    @property
    def holds_out(self) -> bool:
        """Whether there are people for validation."""
        return self.validate_on is not None

    @property
    def persons(self) -> dict[str, list[str]]:
        """Who is trained and validated on."""
        held = () if self.validate_on is None else self.validate_on.entries
        return {"training": people(self.train_on.entries), "validation": people(held)}

    def training(self, index: int) -> Clip:
        """Plant the clip of a number."""
        return as_sample(self.train_on, self.first_seed + index)

    def held_out(self, count: int) -> list[Clip]:
        """Plant clips for validation, the same for every seed."""
        if self.validate_on is None:
            return []
        seeds = range(VALIDATION_SEED, VALIDATION_SEED + count)
        return [as_sample(self.validate_on, seed) for seed in seeds]


def planted(source: PlantedSource, *, network: PhaseNetConfig, frames: int, seed: int) -> Planted:
    """Open a cache of footage for a training.

    Raises:
        InputError: If there is no such cache.
        ParameterError: If there is no such preset, nobody to train on, or somebody is both
            trained and validated on.
    """
    entries = cached_footage(source.cache)
    here = people(entries)
    trained = _named(source.training, here) if source.training else here
    held = (
        [person for person in here if person not in trained]
        if source.validation == "rest"
        else _named(source.validation, here)
    )
    both = sorted(set(trained) & set(held))
    if both:
        raise ParameterError(
            f"{', '.join(both)} of {source.cache} would be trained and validated on; name "
            "everybody once"
        )
    ranges = replace(plant_preset(source.preset), no_pulse_probability=source.no_pulse)
    train_on = Planter(
        entries=tuple(entry for entry in entries if entry.person in trained),
        size=network.size,
        frames=frames,
        sample_hz=network.sample_hz,
        ranges=ranges,
    )
    validate_on = (
        replace(
            train_on,
            entries=tuple(entry for entry in entries if entry.person in held),
            crops=AS_IT_IS,
        )
        if held
        else None
    )
    return Planted(
        share=source.share,
        first_seed=TRAINING_SEED + seed * SEED_STRIDE,
        train_on=train_on,
        validate_on=validate_on,
    )


def taught_names(source: PlantedSource) -> list[str]:
    """Return the names of the clips of footage that a source trains on."""
    entries = cached_footage(source.cache)
    trained = _named(source.training, people(entries)) or people(entries)
    return [entry.name for entry in entries if entry.person in trained]


def people(entries: tuple[FootageEntry, ...] | list[FootageEntry]) -> list[str]:
    """Return who is seen, each once."""
    return sorted({entry.person for entry in entries})


def _named(text: str, here: list[str]) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in here]
    if unknown:
        raise ParameterError(f"nobody is called {', '.join(unknown)}; there are {', '.join(here)}")
    return names


def as_sample(planter: Planter, seed: int) -> dict[str, Any]:
    """Return the clip of a seed as a loader stacks it, like the generator's."""
    clip = planter.clip(seed)
    rate = clip.heart_rate_bpm[clip.counts].mean()
    return {
        "frames": torch.from_numpy(clip.frames),
        "pulse": torch.from_numpy(clip.pulse),
        "counts": torch.from_numpy(clip.counts),
        "heart_rate_bpm": torch.tensor(float(rate), dtype=torch.float32),
        "has_pulse": torch.tensor(clip.alive),
        "name": f"planted in {clip.entry.name} {seed}",
    }
