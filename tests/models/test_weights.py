"""Weights: whole or refused, never pickle."""

import json
from contextlib import suppress
from copy import copy
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from pulsephase.errors import ParameterError, WeightsError
from pulsephase.models.config import TINY
from pulsephase.models.phasenet import PhaseNet
from pulsephase.models.weights import SHIPPED as WEIGHTS
from pulsephase.models.weights import _typed, card, save, shipped

WAVE = [-0.786542, -0.805212, -0.448211, 0.391258, 0.97351]
LATER = {"inputs", "mean_form", "stem_kernel", "squeeze_excitation", "mixer", "pooling", "head"}
"""Settings that the first files did not name."""


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> tuple[PhaseNet, Path]:
    net = PhaseNet(TINY).eval()
    path = tmp_path_factory.mktemp("weights") / "net.safetensors"
    save(path, config=TINY, tensors=net.state_dict(), card={"seed": 5})
    return net, path


def test_round_trip(stored: tuple[PhaseNet, Path]) -> None:
    net, path = stored
    found = PhaseNet.from_pretrained(path)
    assert found.config == TINY
    assert not found.training
    frames = torch.rand(1, 20, 3, 36, 36)
    with torch.inference_mode():
        assert torch.equal(found(frames), net(frames))
    assert card(path) == {"seed": 5}
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_truncated(stored: tuple[PhaseNet, Path], tmp_path: Path) -> None:
    data = stored[1].read_bytes()
    for length in (0, 7, 200, len(data) - 1):
        short = tmp_path / f"short{length}.safetensors"
        short.write_bytes(data[:length])
        for read in (PhaseNet.from_pretrained, card):
            with pytest.raises(WeightsError, match="short"):
                read(short)


def changed(config: dict[str, Any]) -> str:
    return json.dumps(asdict(TINY) | config)


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({"config": "{"}, "config or card cannot be read"),
        ({"card": "{"}, "config or card cannot be read"),
        ({"card": None}, "config or card cannot be read"),
        ({"config": "[1, 2]"}, "config of another version"),
        ({"config": changed({"depth": 1})}, "another version .*depth"),
        ({"config": changed({"head": "nothing"})}, "another version"),
        ({"config": changed({"width": 40.0})}, "another version"),
        ({"config": changed({"size": 37})}, "size is 37 px"),
        ({"config": changed({"width": 41})}, r"'head.inward.bias' has shape \(40,\), .* \(41,\)"),
        ({"config": changed({"pooling": "average"})}, "'asf.from_features.bias' is unknown"),
        ({"config": changed({"squeeze_excitation": True})}, "'blocks.0.excitation.* is missing"),
    ],
)
def test_metadata_that_are_not_of_these_tensors_are_refused(
    stored: tuple[PhaseNet, Path],
    tmp_path: Path,
    metadata: dict[str, str | None],
    message: str,
) -> None:
    with safe_open(stored[1], "pt") as file:
        held = dict(file.metadata()) | metadata
    path = tmp_path / "other.safetensors"
    tensors = {name: tensor.contiguous() for name, tensor in stored[0].state_dict().items()}
    save_file(tensors, path, metadata={k: v for k, v in held.items() if v is not None})
    with pytest.raises(WeightsError, match=rf"other\.safetensors.*{message}"):
        PhaseNet.from_pretrained(path)


@pytest.mark.parametrize(
    ("name", "value"), [("width", 40.0), ("width", "40"), ("est_pool", (1, 1.5)), ("head", 3)]
)
def test_a_value_of_another_kind_is_named(name: str, value: object) -> None:
    """JSON has no kinds, and the shape hook that would refuse it is off outside of tests."""
    wrong = copy(TINY)
    object.__setattr__(wrong, name, value)
    with pytest.raises(TypeError, match=f"{name} is .* is wanted"):
        _typed(wrong)
    assert _typed(TINY) == TINY


def test_weights_that_are_no_numbers_are_refused(
    stored: tuple[PhaseNet, Path], tmp_path: Path
) -> None:
    tensors = dict(stored[0].state_dict())
    tensors["stem.weight"] = tensors["stem.weight"].clone().fill_(torch.nan)
    path = tmp_path / "net.safetensors"
    save(path, config=TINY, tensors=tensors, card={})
    with pytest.raises(WeightsError, match=r"'stem\.weight' holds what is no number"):
        PhaseNet.from_pretrained(path)


@given(st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=3))
@settings(max_examples=60)
def test_a_header_with_other_bytes_is_refused_or_read(
    stored: tuple[PhaseNet, Path], changes: list[tuple[float, int]]
) -> None:
    """Whatever is wrong with the header, the error is ours, and nothing but numbers is run."""
    data = bytearray(stored[1].read_bytes())
    length = 8 + int.from_bytes(data[:8], "little")
    for place, value in changes:
        data[int(place * (length - 1))] = value
    path = stored[1].with_name("changed.safetensors")
    path.write_bytes(data)
    with suppress(WeightsError, ParameterError):
        PhaseNet.from_pretrained(path)
    path.unlink()


def test_foreign_file(tmp_path: Path) -> None:
    foreign = tmp_path / "foreign.safetensors"
    save_file({"a": torch.zeros(2)}, foreign)
    with pytest.raises(WeightsError, match="not a pulsephase network"):
        PhaseNet.from_pretrained(foreign)


def test_unknown_name_lists_what_there_is() -> None:
    with pytest.raises(WeightsError, match="no weights 'nonsense'"):
        PhaseNet.from_pretrained("nonsense")


def test_a_failed_save_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        save(tmp_path / "net.safetensors", config=TINY, tensors={}, card={"bad": object()})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", shipped())
def test_shipped_weights_load_and_say_where_they_come_from(name: str) -> None:
    net = PhaseNet.from_pretrained(name)
    assert all(torch.isfinite(tensor).all() for tensor in net.state_dict().values())
    assert card(name)["data"] == "synthetic video only"


def test_the_shipped_weights_give_what_they_gave(tmp_path: Path) -> None:
    """Also from a file whose metadata knows none of the later settings: the same wave."""
    shipped_file = WEIGHTS / "tiny.safetensors"
    with safe_open(shipped_file, framework="pt") as held:
        metadata = held.metadata()
    settings_of_old = {
        key: value for key, value in json.loads(metadata["config"]).items() if key not in LATER
    }
    old = tmp_path / "old.safetensors"
    metadata["config"] = json.dumps(settings_of_old)
    save_file(load_file(shipped_file), old, metadata=metadata)
    times, rows, columns = torch.arange(60.0), torch.arange(36.0), torch.arange(36.0)
    still = 0.5 + 0.2 * torch.sin(rows / 5)[:, None] * torch.cos(columns / 7)
    tint = torch.tensor([0.9, 0.7, 0.6])[:, None, None]
    beat = 1 + 0.004 * torch.sin(0.25 * times)[:, None, None, None] * (1 + tint)
    for name in ("tiny", old):
        net = PhaseNet.from_pretrained(name)
        assert net.config == TINY
        with torch.inference_mode():
            wave = net((still * tint * beat)[None])[0, 45::3]
        torch.testing.assert_close(wave, torch.tensor(WAVE), rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("size", 10**6),
        ("size", 2**62),
        ("layers", 10**6),
        ("width", 10**9),
        ("sample_hz", float("inf")),
        ("sample_hz", float("nan")),
        ("est_channels", [16] * 100_000),
        ("warmup", 10**4000),
    ],
)
def test_a_config_beyond_all_networks_is_refused_before_anything_is_made(
    stored: tuple[PhaseNet, Path], tmp_path: Path, name: str, value: object
) -> None:
    """A million layers grew to 19 GB before the tensors were looked at."""
    path = tmp_path / "huge.safetensors"
    data = {"format": "pulsephase-phasenet-1", "config": changed({name: value}), "card": "{}"}
    save_file(stored[0].state_dict(), path, metadata=data)
    with pytest.raises(WeightsError, match=rf"huge\.safetensors .*{name}") as caught:
        PhaseNet.from_pretrained(path)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("card_text", ["[" * 100_000, f'{{"n": {"1" * 5000}}}'])
def test_a_card_without_end_is_damaged(
    stored: tuple[PhaseNet, Path], tmp_path: Path, card_text: str
) -> None:
    path = tmp_path / "card.safetensors"
    data = {"format": "pulsephase-phasenet-1", "config": changed({}), "card": card_text}
    save_file(stored[0].state_dict(), path, metadata=data)
    with pytest.raises(WeightsError, match="damaged: its config or card cannot be read"):
        card(path)


def test_tensors_of_another_config_are_refused_before_the_network_is_made(
    stored: tuple[PhaseNet, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "wide.safetensors"
    data = {"format": "pulsephase-phasenet-1", "config": changed({"width": 1024}), "card": "{}"}
    save_file(stored[0].state_dict(), path, metadata=data)
    made: list[torch.device] = []
    build = PhaseNet.__init__

    def watched(net: PhaseNet, config: Any) -> None:
        build(net, config)
        made.append(next(net.parameters()).device)

    monkeypatch.setattr(PhaseNet, "__init__", watched)
    with pytest.raises(WeightsError, match="has shape"):
        PhaseNet.from_pretrained(path)
    assert made == [torch.device("meta")]
