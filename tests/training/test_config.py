"""The config: few keys, each of them within reach of the command line, and checked."""

from dataclasses import replace

import pytest

from pulsephase.cli import main
from pulsephase.errors import MissingExtraError, ParameterError, WeightsError
from pulsephase.models.config import CONFIGS
from pulsephase.synthetic.seeds import SEED_STRIDE
from pulsephase.training import distributed
from pulsephase.training.config import (
    CachedSource,
    Data,
    Machine,
    Network,
    Optimiser,
    PlantedSource,
    SyntheticSource,
    TrainConfig,
    share_of_batch,
)
from pulsephase.training.network import build, network_config, of_recipe
from pulsephase.training.recipes import RECIPES
from pulsephase.training.settings import (
    defaults,
    differences,
    from_plain,
    keys,
    to_plain,
    with_setting,
)

PLAIN = TrainConfig(
    data=Data(
        synthetic=(SyntheticSource(),),
        cached=(CachedSource(cache="c"),),
        planted=(PlantedSource(cache="footage"),),
    ),
    network=Network(name="base", overrides={"mixer": "identity"}),
)


def test_there_are_fewer_than_fifty_keys() -> None:
    assert 30 < len(keys()) < 50
    assert {"data.synthetic.preset", "data.cached.split", "network.overrides"} <= set(keys())


def test_every_key_can_be_set_from_the_command_line() -> None:
    """Setting a key to another value of its type changes that key and no other."""
    other = {
        "optimiser.precision": '"bf16-mixed"',
        "optimiser.statistics": '"frozen"',
        "optimiser.ema": "0.5",
        "optimiser.rise": "0.5",
        "network.overrides": '{"delay": 0}',
        "data.cached.lag_frames": "2.5",
        "seed": "3",
    }
    for key in keys():
        plain = to_plain(PLAIN)
        path = key.replace("synthetic.", "synthetic.0.").replace("cached.", "cached.0.")
        path = path.replace("planted.", "planted.0.")
        old = plain
        for name in path.split("."):
            old = old[int(name)] if name.isdigit() else old[name]
        value = other.get(key) or ('"another"' if isinstance(old, str) else str(old + 4))
        with_setting(plain, f"{path}={value}")
        assert from_plain(plain) != PLAIN, key
        changed = [line for line in differences(PLAIN, plain) if not line.startswith(path)]
        assert not [line for line in changed if not line.startswith("network.overrides")], key


def test_a_config_survives_json() -> None:
    assert from_plain(to_plain(PLAIN)) == PLAIN
    assert to_plain(PLAIN)["network"]["overrides"] == {"mixer": "identity"}


def test_what_may_change_on_the_way_is_no_difference() -> None:
    plain = to_plain(replace(PLAIN, machine=Machine(threads=7, device="cuda")))
    assert not differences(PLAIN, plain)
    plain["optimiser"]["ema"] = 0.5
    assert differences(PLAIN, plain) == ["optimiser.ema 0.5, not 0.995"]


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("optimiser.speed=1", "speed.*learning_rate"),
        ("data.cached.3.share=1", "no key"),
        ("optimiser.steps=1.5", "whole number"),
        ("optimiser.steps=0", "at least 1"),
        ("optimiser.ema=1", "below 1"),
        ("optimiser.precision=8", "32-true"),
        ("optimiser.precision=half", "32-true"),
        ("data.cached.0.share=0", "above 0"),
        ("data.cached.0.lag_frames=9", "8 either way"),
        ("loss.rate=-1", "at least 0"),
        ("seed=1000", "0 to 999"),
        ("data.frames=true", "whole number"),
        ("learning", "key=value"),
    ],
)
def test_a_wrong_setting_is_one_clear_error(setting: str, message: str) -> None:
    plain = to_plain(PLAIN)
    with pytest.raises(ParameterError, match=message):
        with_setting(plain, setting)
        from_plain(plain)


def test_nothing_to_train_on_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ParameterError, match="a synthetic preset or planted footage"):
        from_plain(defaults())
    assert main(["train"]) == 2
    assert "nothing to train on" in capsys.readouterr().err


def test_a_cache_counts_once() -> None:
    with pytest.raises(ParameterError, match="twice"):
        TrainConfig(data=Data(cached=(CachedSource(cache="c"), CachedSource(cache="c"))))


def test_the_seeds_of_two_trainings_never_meet() -> None:
    data = Data(synthetic=(SyntheticSource(),), batch=100)
    TrainConfig(data=data, optimiser=Optimiser(steps=SEED_STRIDE // 100))
    with pytest.raises(ParameterError, match="next seed"):
        TrainConfig(data=data, optimiser=Optimiser(steps=SEED_STRIDE // 100 + 1))


def test_a_batch_is_shared_evenly_or_not_at_all() -> None:
    config = replace(PLAIN, data=replace(PLAIN.data, batch=12, accumulate=3))
    assert share_of_batch(config, ranks=2) == 2
    with pytest.raises(ParameterError, match="multiple of 9"):
        share_of_batch(config, ranks=3)


def test_parts_of_a_network_are_settings_of_the_config() -> None:
    parts = {"mixer": "identity", "layers": 3, "delay": 0, "inputs": "mean", "est_pool": [1, 3]}
    changed = network_config(Network(overrides=parts))
    assert changed == replace(
        CONFIGS["tiny"], mixer="identity", layers=3, delay=0, inputs="mean", est_pool=(1, 3)
    )
    for wrong in ({"mixr": "identity"}, {"mixer": "nothing"}, {"layers": 0}):
        with pytest.raises(ParameterError):
            network_config(Network(overrides=wrong))
    with pytest.raises(ParameterError, match="base, paper"):
        network_config(Network(name="huge"))


def test_fine_tuning_begins_with_the_weights_and_their_network() -> None:
    net = build(Network(init="tiny"), seed=5)
    assert net.config == CONFIGS["tiny"]
    random = build(Network(name="tiny"), seed=5)
    assert float((net.stem.weight - random.stem.weight).detach().abs().max()) > 1e-3
    with pytest.raises(WeightsError, match="do not fit"):
        build(Network(init="tiny", overrides={"layers": 4}), seed=5)
    with pytest.raises(WeightsError, match="no weights"):
        network_config(Network(init="nothing"))


def test_a_recipe_is_a_config_with_all_that_it_says() -> None:
    recipe = RECIPES["base"]
    config = of_recipe(recipe, seed=2, machine=Machine())
    assert config.network.name == "base" and config.seed == 2
    assert config.clips == recipe.steps * recipe.batch
    assert config.optimiser.ema == recipe.ema and config.data.frames == recipe.frames
    assert config.data.synthetic == (SyntheticSource(preset="full", no_pulse=recipe.no_pulse),)


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distributed, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"pulsephase\[train\]"):
        distributed.require_lightning()
