"""PHASE-Net: strictly causal, streaming exactly, within its budget; the laws of its parts."""

import math
from dataclasses import replace
from typing import Any

import networks
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import in_pieces, scrambled
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from pulsephase.errors import ParameterError, ShapeError
from pulsephase.models.causality import assert_causal, frozen_statistics
from pulsephase.models.config import BASE, CONFIGS, PAPER, TINY
from pulsephase.models.normalise import initial_state, running_mean
from pulsephase.models.phasenet import PhaseNet
from pulsephase.models.stream import PulseStream
from pulsephase.models.tcn import GatedTCN
from pulsephase.video.clip import Clip

PER_BLOCK = ("est_channels", "est_expansion", "est_pool", "zas_blocks")
STREAM_TOLERANCE = {torch.float32: 1e-5, torch.float64: 1e-12}


def crops(
    time: int, *, size: int = TINY.size, seed: int = 0, batch: int = 1, dtype=torch.float32
) -> torch.Tensor:
    return networks.crops(time, size=size, seed=seed, batch=batch, dtype=dtype)


@pytest.fixture(scope="module")
def net() -> PhaseNet:
    torch.manual_seed(1)
    return scrambled(PhaseNet(TINY)).eval()


@pytest.mark.parametrize(
    ("name", "least", "most"),
    [("tiny", 0, 100_000), ("base", 0, 290_000), ("paper", 0.98 * 290_000, 1.02 * 290_000)],
)
def test_budget(name: str, least: float, most: float) -> None:
    parameters = sum(p.numel() for p in PhaseNet(CONFIGS[name]).parameters())
    assert least <= parameters <= most


def test_the_paper_s_network_is_no_smaller_one() -> None:
    net, frames = PhaseNet(PAPER).eval(), torch.rand(1, 2, 3, 128, 128)
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        net(frames)
    assert counter.get_total_flops() / 2 / 2 >= 100e6  # two operations each, two frames


def test_the_paper_s_depth() -> None:
    assert (len(PAPER.est_channels), PAPER.layers) == (3, 3)


@pytest.mark.parametrize("name", ["tiny", "base"])
def test_receptive_field_is_four_seconds(name: str) -> None:
    assert CONFIGS[name].receptive_field >= 127


def test_state_of_base_is_small() -> None:
    state = tree_leaves(PhaseNet(BASE).initial_state(1))
    assert sum(part.numel() * part.element_size() for part in state) <= 1e6


@pytest.mark.parametrize(("name", "time"), [("base", 24), ("paper", 6)])
def test_the_named_networks_are_causal_and_stream(name: str, time: int) -> None:
    torch.manual_seed(1)
    net = scrambled(PhaseNet(CONFIGS[name])).eval()
    frames = crops(time, size=CONFIGS[name].size)
    assert_causal(net, frames, starts=(1, time // 2))
    assert_causal(frozen_statistics(net.train()), frames, starts=(time // 2,))
    # In double precision: a few frames of untrained weights may cancel to almost nothing.
    net, frames = net.eval().double(), frames.double()
    with torch.inference_mode():
        whole, pieces = net(frames), in_pieces(net, frames, {1, time // 3, time // 2})
    assert (pieces - whole).abs().max() <= STREAM_TOLERANCE[torch.float64] * whole.abs().max()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@given(cuts=st.sets(st.integers(1, 59), max_size=6), seed=st.integers(0, 100))
@settings(max_examples=8, deadline=None)
def test_any_chunking_gives_the_clip(dtype: torch.dtype, cuts: set[int], seed: int) -> None:
    torch.manual_seed(3)
    net = scrambled(PhaseNet(TINY)).eval().to(dtype)
    frames = crops(60, seed=seed, dtype=dtype)
    with torch.inference_mode():
        whole, pieces = net(frames), in_pieces(net, frames, cuts)
    error = (pieces - whole).abs().max() / whole.abs().max()
    assert error <= STREAM_TOLERANCE[dtype]


def clip_of(frames: torch.Tensor, *, lost: slice | None = None, rate: float = 30.0) -> Clip:
    boxes = torch.ones(len(frames), 4)
    if lost is not None:
        boxes[lost] = math.nan
    times = torch.arange(len(frames), dtype=torch.float64) / rate
    return Clip(frames=frames, times_s=times, boxes=boxes)


def test_stream_equals_clip_frame_by_frame(net: PhaseNet) -> None:
    frames = crops(60)[0]
    whole, valid = PulseStream(net).run(clip_of(frames))
    stream = PulseStream(net)
    samples = [stream.step(frame, index / 30) for index, frame in enumerate(frames)]
    found = torch.tensor([sample.pulse for sample in samples])
    assert (found - whole).abs().max() <= 1e-5 * whole.abs().max()
    assert [sample.valid for sample in samples] == valid.tolist()
    assert valid.tolist() == [False] * TINY.warmup + [True] * (60 - TINY.warmup)


def test_a_short_loss_holds_the_state(net: PhaseNet) -> None:
    frames = crops(90)[0]
    pulse, valid = PulseStream(net).run(clip_of(frames, lost=slice(60, 80)))
    assert pulse[60:80].isnan().all()
    assert not valid[60:80].any()
    assert valid[80:].all()


def test_a_long_loss_starts_afresh(net: PhaseNet) -> None:
    frames = crops(150)[0]
    pulse, valid = PulseStream(net).run(clip_of(frames, lost=slice(50, 90)))
    fresh, _ = PulseStream(net).run(clip_of(frames[90:]))
    assert torch.equal(pulse[90:], fresh)
    assert not valid[90 : 90 + TINY.warmup].any()
    assert valid[90 + TINY.warmup :].all()


def test_lost_frames_do_not_matter(net: PhaseNet) -> None:
    frames = crops(70)[0]
    other = frames.clone()
    other[40:50] = 0.9
    first, _ = PulseStream(net).run(clip_of(frames, lost=slice(40, 50)))
    second, _ = PulseStream(net).run(clip_of(other, lost=slice(40, 50)))
    assert torch.equal(first[50:], second[50:])


def test_true_time_steps_are_used(net: PhaseNet) -> None:
    frames = crops(50)
    even = torch.arange(50, dtype=torch.float64) / 30
    late = even.clone()
    late[25:] += 0.2
    with torch.inference_mode():
        assert torch.equal(net(frames), net(frames, even))
        found, whole = net(frames, late), net(frames)
    assert torch.equal(found[:, :25], whole[:, :25])
    assert not torch.equal(found[:, 25:], whole[:, 25:])


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        (torch.rand(1, 5, 3, 36, 35), "36, 36"),
        (torch.rand(1, 5, 36, 36, 3), "36, 36"),
        (torch.rand(5, 3, 36, 36), "batch, time"),
        (torch.rand(1, 0, 3, 36, 36), "at least one frame"),
        (torch.zeros(1, 5, 3, 36, 36, dtype=torch.uint8), "divide by 255"),
    ],
)
def test_wrong_frames_are_named(net: PhaseNet, frames: torch.Tensor, message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        net.check(frames)


@pytest.mark.parametrize(
    ("level", "message"),
    [(math.nan, "between nan and nan"), (255.0, "between 0.* and 255"), (-0.1, "between -0.1 and")],
)
def test_a_clip_with_a_wrong_pixel_is_named(net: PhaseNet, level: float, message: str) -> None:
    frames = crops(5, batch=2)
    frames[1, 3, 2, 30, 7] = level
    for ask in (net, net.masks):
        with pytest.raises(ParameterError, match=message):
            ask(frames)
    with pytest.raises(ParameterError, match=message), torch.no_grad():
        net(frames.double())


def test_a_resized_crop_may_round_beyond_its_range(net: PhaseNet) -> None:
    frames = crops(5)
    frames[0, 0, 0, 0, :2] = torch.tensor([-5e-5, 1 + 5e-5])
    assert net(frames).isfinite().all()


@pytest.mark.parametrize(
    ("times", "message"),
    [
        ([0.0, 0.1, 0.1, 0.2], "do not rise"),
        ([0.0, 0.2, 0.1, 0.3], "do not rise"),
        ([0.0, 0.1, math.nan, 0.3], "do not rise"),
        ([0.0, 0.1, 0.2, math.inf], "do not rise"),
        ([0.0, 0.1, 0.2], r"\(3,\) times for 4 frames"),
    ],
)
def test_wrong_times_are_named(net: PhaseNet, times: list[float], message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        net.frame_steps(torch.tensor(times, dtype=torch.float64), 1, 4, crops(4))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"size": 37}, "multiple of the stem"),
        ({"size": 0}, "multiple of the stem"),
        ({"zas_blocks": (3,)}, "one per EST block"),
        ({"est_channels": ()}, "one per EST block"),
        ({name: () for name in PER_BLOCK}, "at least one block"),
        ({"est_expansion": (32, 0)}, "est_expansion is .* at least 1"),
        ({"est_pool": (2, 1)}, "2 does not divide 9"),
        ({"width": 0}, "width is 0"),
        ({"layers": 0}, "layers is 0"),
        ({"masks": -1}, "masks is -1"),
        ({"kernel": 1}, "at least 2"),
        ({"delay": 31}, "delay is 31 frames; allowed is 0 to 30"),
        ({"warmup": 10}, "below the delay of 15"),
        ({"zas_fraction": 1.5}, "allowed is 0 to 1"),
        ({"sample_hz": 0.0}, "above 0 Hz"),
        ({"sample_hz": math.nan}, "sample_hz is nan"),
    ],
)
def test_wrong_configs_are_named(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        replace(TINY, **wrong)


# --- the parts ---


@given(window=st.integers(1, 40), seed=st.integers(0, 9))
@settings(max_examples=15, deadline=None)
def test_running_mean_starts_as_the_plain_mean(window: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    frames = torch.rand(1, 50, 3, 2, 2, generator=generator, dtype=torch.float64)
    means = running_mean(frames, initial_state(frames[:, 0]), window=window)
    plain = frames.cumsum(1) / torch.arange(1, 51)[None, :, None, None, None]
    torch.testing.assert_close(means[:, :window], plain[:, :window], rtol=1e-12, atol=1e-12)
    later = means[:, window - 1]
    for step in range(window, 50):
        later = later + (frames[:, step] - later) / window
    torch.testing.assert_close(means[:, -1], later, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("layers", [3, 4, 6])
def test_tcn_sees_exactly_its_receptive_field(layers: int) -> None:
    torch.manual_seed(0)
    tcn = GatedTCN(2, 4, layers=layers, kernel=3).double()
    field = 1 + 2 * (2**layers - 1)
    x = torch.randn(1, field + 10, 2, dtype=torch.float64, requires_grad=True)
    states = tuple(torch.zeros(1, 4, 2 * 2**level, dtype=torch.float64) for level in range(layers))
    wave, _ = tcn(x, states)
    (gradient,) = torch.autograd.grad(wave[0, -1], x)
    reached = gradient.abs().sum((0, 2)).nonzero()[:, 0]
    assert reached.min() == len(gradient[0]) - field
    assert reached.max() == len(gradient[0]) - 1
