"""From a training's choice of a network, or a recipe, to the network itself."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch

from pulsephase.errors import ParameterError, WeightsError
from pulsephase.models.config import CONFIGS, PhaseNetConfig
from pulsephase.models.phasenet import PhaseNet
from pulsephase.models.weights import load
from pulsephase.training.config import (
    Data,
    Machine,
    Network,
    Optimiser,
    PlantedSource,
    Record,
    SyntheticSource,
    TrainConfig,
)
from pulsephase.training.recipes import Recipe


def network_config(network: Network) -> PhaseNetConfig:
    """Return the config of a network, its overrides applied.

    Raises:
        ParameterError: If there is no network or setting of that name, or it is not allowed.
        WeightsError: If the weights to begin with cannot be read.
    """
    if network.name and network.name not in CONFIGS:
        raise ParameterError(f"no network {network.name!r}; there are {', '.join(CONFIGS)}")
    if network.init and not network.name:
        base = load(network.init)[0]
    else:
        base = CONFIGS[network.name or "tiny"]
    unknown = set(network.overrides) - set(PhaseNetConfig.__slots__)
    if unknown:
        raise ParameterError(
            f"a network has no setting {', '.join(sorted(unknown))}; "
            f"there are {', '.join(PhaseNetConfig.__slots__)}"
        )
    changes: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in network.overrides.items()
    }
    try:
        return replace(base, **changes)
    except TypeError as error:
        raise ParameterError(f"network.overrides has a value of the wrong type: {error}") from None


def build(network: Network, *, seed: int) -> PhaseNet:
    """Return the network before the first step: random by the seed, or from weights.

    Raises:
        WeightsError: If the weights to begin with do not fit the network.
    """
    torch.manual_seed(seed)
    net = PhaseNet(network_config(network))
    if network.init:
        try:
            net.load_state_dict(load(network.init)[1])
        except RuntimeError as error:
            raise WeightsError(
                f"the weights {network.init!r} do not fit the network: {error}; "
                "leave network.name empty and override fewer of its settings"
            ) from None
    return net


def of_recipe(
    recipe: Recipe,
    *,
    seed: int,
    machine: Machine,
    planted: Sequence[PlantedSource] = (),
    init: str = "",
) -> TrainConfig:
    """Return the config of a pretraining.

    Args:
        recipe: What to train on, and for how long.
        seed: Of initialisation and clips.
        machine: What it is computed on.
        planted: Caches of footage, with their weights among each other.
        init: Weights to begin with; empty means those of the recipe.

    Raises:
        ParameterError: If the recipe wants planted clips and there is no cache, or the other way
            round.
    """
    if bool(planted) != (recipe.planted > 0):
        raise ParameterError(
            f"the recipe takes {recipe.planted:g} of its clips from real footage and "
            f"{len(planted)} caches of footage are given; "
            + ("give one with --planted" if recipe.planted else "leave out --planted")
        )
    total = sum(source.share for source in planted)
    return TrainConfig(
        network=Network(name=recipe.network, init=init or recipe.init),
        data=Data(
            synthetic=(
                SyntheticSource(
                    preset=recipe.preset, share=1 - recipe.planted, no_pulse=recipe.no_pulse
                ),
            ),
            planted=tuple(
                replace(source, share=recipe.planted * source.share / total) for source in planted
            ),
            frames=recipe.frames,
            batch=recipe.batch,
            held_out=recipe.validation_clips,
        ),
        optimiser=Optimiser(
            steps=recipe.steps,
            learning_rate=recipe.learning_rate,
            weight_decay=recipe.weight_decay,
            clip_norm=recipe.clip_norm,
            ema=recipe.ema,
        ),
        loss=recipe.loss,
        record=Record(validate_every=recipe.validate_every),
        machine=machine,
        seed=seed,
    )
