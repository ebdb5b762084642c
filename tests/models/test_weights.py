"""Weights: whole or refused, never pickle."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from pulsephase.errors import WeightsError
from pulsephase.models.config import TINY
from pulsephase.models.phasenet import PhaseNet
from pulsephase.models.weights import card, save, shipped

WAVE = [-1.014345, -1.014676, -0.450064, 0.564921, 1.617266]


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
        with pytest.raises(WeightsError, match="short"):
            PhaseNet.from_pretrained(short)


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


def test_the_shipped_weights_give_what_they_gave() -> None:
    """Weights whose metadata knows none of today's settings: the same network, the same wave."""
    times, rows, columns = torch.arange(60.0), torch.arange(36.0), torch.arange(36.0)
    still = 0.5 + 0.2 * torch.sin(rows / 5)[:, None] * torch.cos(columns / 7)
    tint = torch.tensor([0.9, 0.7, 0.6])[:, None, None]
    beat = 1 + 0.004 * torch.sin(0.25 * times)[:, None, None, None] * (1 + tint)
    net = PhaseNet.from_pretrained("tiny")
    assert net.config == TINY
    with torch.inference_mode():
        wave = net((still * tint * beat)[None])[0, 45::3]
    torch.testing.assert_close(wave, torch.tensor(WAVE), rtol=0, atol=1e-5)
