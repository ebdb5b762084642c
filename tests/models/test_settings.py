"""Every setting of the network: causal exactly, streaming exactly, whatever the chunking."""

import pickle
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import networks
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils._pytree import tree_leaves

from pulsephase.bench.models import cost
from pulsephase.errors import ParameterError
from pulsephase.models import phasenet
from pulsephase.models.causality import assert_causal, frozen_statistics, look_ahead
from pulsephase.models.config import CHOICES, TINY
from pulsephase.models.phasenet import PhaseNet
from pulsephase.models.stream import PulseStream
from pulsephase.models.weights import save

STREAM_TOLERANCE = {torch.float32: 1e-5, torch.float64: 1e-12}


@pytest.mark.parametrize("name", networks.CAUSAL)
def test_causal_at_inference(name: str) -> None:
    assert_causal(networks.small(name), networks.crops(40), starts=(1, 17, 39))


@pytest.mark.parametrize("name", networks.CAUSAL)
def test_causal_in_training_form_with_frozen_statistics(name: str) -> None:
    trained = frozen_statistics(networks.small(name).train())
    assert_causal(trained, networks.crops(32, batch=2))


def test_assert_causal_fails_on_the_symmetric_control() -> None:
    net = networks.small("head=symmetric")
    with pytest.raises(AssertionError, match="not causal"):
        assert_causal(net, networks.crops(40))
    with pytest.raises(AssertionError, match="not causal"):
        assert_causal(frozen_statistics(net.train()), networks.crops(40))


def test_the_symmetric_control_sees_half_its_field() -> None:
    net = networks.small("head=symmetric", dtype=torch.float64)
    frames = networks.crops(60, dtype=torch.float64)
    ahead = networks.SMALL.receptive_field // 2
    other = frames.clone()
    other[:, 40:] = 0.5
    with torch.no_grad():
        moved = (net(frames) - net(other))[0] != 0
    assert int(moved.nonzero()[0, 0]) == 40 - ahead


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", networks.CAUSAL)
@given(cuts=st.sets(st.integers(1, 39), max_size=6), seed=st.integers(0, 100))
@settings(max_examples=4, deadline=None)
def test_any_chunking_gives_the_clip(
    name: str, dtype: torch.dtype, cuts: set[int], seed: int
) -> None:
    net = networks.small(name, seed=seed, dtype=dtype)
    frames = networks.crops(40, seed=seed, dtype=dtype)
    with torch.inference_mode():
        whole, pieces = net(frames), networks.in_pieces(net, frames, cuts)
    assert (pieces - whole).abs().max() <= STREAM_TOLERANCE[dtype] * whole.abs().max()


@given(
    choices=st.fixed_dictionaries(
        {name: st.sampled_from(allowed) for name, allowed in CHOICES.items()}
        | {"squeeze_excitation": st.booleans(), "zas_fraction": st.sampled_from([0.0, 0.5, 1.0])}
    ),
    cuts=st.sets(st.integers(1, 29), max_size=4),
)
@settings(max_examples=25, deadline=None)
def test_settings_go_together(choices: dict[str, Any], cuts: set[int]) -> None:
    """Any choice beside any other: causal unless marked, and the same in pieces."""
    torch.manual_seed(0)
    config = replace(networks.SMALL, **choices)
    net = networks.scrambled(PhaseNet(config)).eval().double()
    frames = networks.crops(30, dtype=torch.float64)
    if not config.causal:
        with pytest.raises(AssertionError, match="not causal"):
            assert_causal(net, frames)
        return
    assert_causal(net, frames, starts=(11,))
    with torch.inference_mode():
        whole, pieces = net(frames), networks.in_pieces(net, frames, cuts)
    tolerance = STREAM_TOLERANCE[torch.float64]
    assert (pieces - whole).abs().max() <= tolerance * whole.abs().max()


@pytest.mark.parametrize("name", networks.CAUSAL)
def test_frame_by_frame_gives_the_clip(name: str) -> None:
    net, frames = networks.small(name), networks.crops(30, batch=2)
    with torch.inference_mode():
        whole, pieces = net(frames), networks.in_pieces(net, frames, set(range(1, 30)))
    assert (pieces - whole).abs().max() <= 1e-5 * whole.abs().max()


@pytest.mark.parametrize("name", networks.SETTINGS)
def test_every_parameter_learns(name: str) -> None:
    net = networks.small(name).train()
    net(networks.crops(24, batch=2)).square().mean().backward()
    for key, parameter in net.named_parameters():
        assert parameter.grad is not None, key
        assert bool(parameter.grad.isfinite().all()), key
        assert bool((parameter.grad != 0).any()), key


@pytest.mark.parametrize(
    "name", [name for name, config in networks.SETTINGS.items() if config != networks.SMALL]
)
def test_settings_differ(name: str) -> None:
    config = networks.SETTINGS[name]
    frames = networks.crops(24)
    base = networks.small("mixer=within")
    torch.manual_seed(0)
    other = networks.scrambled(PhaseNet(config)).eval()
    shared = {
        key: value
        for key, value in base.state_dict().items()
        if key in other.state_dict() and value.shape == other.state_dict()[key].shape
    }
    other.load_state_dict(shared, strict=False)
    with torch.inference_mode():
        assert not torch.allclose(base(frames), other(frames), rtol=1e-5, atol=1e-5)


def test_the_symmetric_control_is_refused(tmp_path: Path) -> None:
    net = networks.small("head=symmetric")
    with pytest.raises(ParameterError, match="sees later frames"):
        PulseStream(net)
    path = tmp_path / "symmetric.safetensors"
    save(path, config=net.config, tensors=net.state_dict(), card={})
    with pytest.raises(ParameterError, match="sees later frames"):
        PhaseNet.from_pretrained(path)


@pytest.mark.parametrize("name", networks.CAUSAL)
def test_every_setting_is_stored(name: str, tmp_path: Path) -> None:
    net = networks.small(name)
    path = tmp_path / "net.safetensors"
    save(path, config=net.config, tensors=net.state_dict(), card={})
    found = PhaseNet.from_pretrained(path)
    assert found.config == net.config
    frames = networks.crops(8)
    with torch.inference_mode():
        assert torch.equal(found(frames), net(frames))


@pytest.mark.parametrize("setting", CHOICES)
def test_a_wrong_choice_is_named(setting: str) -> None:
    wrong = copy(networks.SMALL)
    object.__setattr__(wrong, setting, "nothing")  # the shape hook would refuse it at __init__
    with pytest.raises(ParameterError, match=f"{setting} is 'nothing'; allowed are"):
        wrong.__post_init__()


@pytest.mark.parametrize("head", ["gated", "ungated", "fir"])
def test_a_delay_beyond_what_the_head_sees_is_refused(head: str) -> None:
    replace(TINY, head=head, layers=3, delay=14)
    with pytest.raises(ParameterError, match=r"delay is 15 frames and the head sees 15.*up to 14"):
        replace(TINY, head=head, layers=3, delay=15)
    replace(TINY, head="gru", layers=3, delay=15)  # its memory has no end


def test_a_stem_that_skips_pixels_is_refused() -> None:
    with pytest.raises(ParameterError, match="unread"):
        replace(networks.SMALL, stem_stride=4)


def test_batch_statistics_couple_frames_while_training() -> None:
    assert look_ahead(networks.small("mixer=within").train(), networks.crops(32), start=16) > 0


@pytest.mark.parametrize("name", networks.SETTINGS)
def test_a_clip_is_read_in_pieces_without_a_trace(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    net, frames = networks.small(name), networks.crops(41, batch=2)
    whole = net(frames).detach()  # with gradients: in one piece
    monkeypatch.setattr(phasenet, "PIECE_PIXELS", 7 * networks.SMALL.size**2)
    with torch.inference_mode():
        pieces = net(frames)
    assert (pieces - whole).abs().max() <= 1e-5 * whole.abs().max()
    assert torch.equal(net(frames), whole)
    if net.config.causal:
        assert_causal(net, frames, starts=(5, 14, 30))


def test_training_reads_a_clip_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    net, frames = networks.small("mixer=within").train(), networks.crops(30)
    with torch.no_grad():
        whole = net(frames)
        monkeypatch.setattr(phasenet, "PIECE_PIXELS", 1)
        assert torch.equal(net(frames), whole)


@pytest.mark.parametrize("name", networks.SETTINGS)
def test_the_cost_is_counted(name: str) -> None:
    net = networks.small(name).train()
    found = cost(net)
    assert net.training
    assert found.parameters == sum(p.numel() for p in net.parameters())
    assert found.macs_per_frame > 0
    if net.config.causal:
        state = pickle.dumps([part.numpy() for part in tree_leaves(net.initial_state(1))])
        assert abs(len(state) - found.state_bytes) < 2000  # what else pickle writes
    else:
        assert found.state_bytes == 0


def test_the_count_is_that_of_pencil_and_paper() -> None:
    config = replace(networks.SMALL, pooling="average", head="fir")
    stem = 36 * 6 * 9 * 4  # pixels x channels in x taps x channels out
    first = 36 * (4 * 8 + 9 * 8 + 8 * 5)
    second = 36 * (5 * 8 + 9 * 8 + 8 * 6)
    head = 12 * 31
    assert cost(PhaseNet(config)).macs_per_frame == stem + first + second + head
