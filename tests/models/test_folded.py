"""The folded form gives the clip's numbers, for every setting, on either of its paths."""

from pathlib import Path

import networks
import pytest
import torch
from networks import CAUSAL, SETTINGS, crops, small

from pulsephase.errors import ParameterError, ShapeError
from pulsephase.models import folded as module
from pulsephase.models.batchnorm_fold import fold
from pulsephase.models.causality import assert_causal
from pulsephase.models.config import CONFIGS, TINY
from pulsephase.models.folded import Folded
from pulsephase.models.phasenet import PhaseNet
from pulsephase.models.stream import PulseStream
from pulsephase.video.clip import Clip

TOLERANCE = {torch.float32: 1e-5, torch.float64: 1e-12}  # of the output's peak


def stepped(net: PhaseNet, frames: torch.Tensor, steps: list[float]) -> torch.Tensor:
    """Return the pulse of clips from the folded form, frame by frame."""
    fold = Folded(net)
    state, pulse = fold.initial_state(len(frames)), []
    with torch.inference_mode():
        for index, step in enumerate(steps):
            sample, state = fold.step(frames[:, index], step, state)
            pulse.append(sample)
    return torch.stack(pulse, 1)


@pytest.mark.parametrize("gathered", [0, 10**9])
@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("name", CAUSAL)
def test_folded_equals_the_network(
    name: str, batch: int, gathered: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "GATHERED", gathered)
    times = 40 + torch.arange(40, dtype=torch.float64) + 0.4 * torch.rand(40, dtype=torch.float64)
    for dtype, tolerance in TOLERANCE.items():
        net = small(name, dtype=dtype)
        frames = crops(40, batch=batch, dtype=dtype)
        with torch.inference_mode():
            whole = net(frames, times / net.config.sample_hz)
        found = stepped(net, frames, [1.0, *times.diff().tolist()])
        assert (found - whole).abs().max() <= tolerance * whole.abs().max()


@pytest.mark.parametrize("name", SETTINGS)
def test_the_clip_form_without_normalisation_gives_the_same(name: str) -> None:
    for dtype, tolerance in TOLERANCE.items():
        net, frames = small(name, dtype=dtype), crops(20, batch=2, dtype=dtype)
        before = {key: value.clone() for key, value in net.state_dict().items()}
        folded = fold(net)
        with torch.inference_mode():
            whole, found = net(frames), folded(frames)
        assert (found - whole).abs().max() <= tolerance * whole.abs().max()
        assert not any(isinstance(part, torch.nn.BatchNorm2d) for part in folded.modules())
        assert all(torch.equal(value, before[key]) for key, value in net.state_dict().items())


@pytest.mark.parametrize("name", CONFIGS)
def test_named_networks_fold(name: str) -> None:
    torch.manual_seed(0)
    net = networks.scrambled(PhaseNet(CONFIGS[name])).eval()
    frames = crops(8 if name == "paper" else 70, size=net.config.size)
    with torch.inference_mode():
        whole = net(frames)
    found = stepped(net, frames, [1.0] * frames.shape[1])
    assert (found - whole).abs().max() <= TOLERANCE[torch.float32] * whole.abs().max()


def test_the_ring_goes_round_many_times() -> None:
    net = small("head=gated", dtype=torch.float64)
    frames = crops(100, dtype=torch.float64)  # the ring has 16 places
    with torch.inference_mode():
        whole = net(frames)
    found = stepped(net, frames, [1.0] * 100)
    assert (found - whole).abs().max() <= 1e-12 * whole.abs().max()


def test_the_folded_form_is_causal_and_a_state_can_be_used_twice() -> None:
    net = small("head=gated")
    assert_causal(lambda frames: stepped(net, frames, [1.0] * frames.shape[1]), crops(24))
    fold, frames = Folded(net), crops(3)
    with torch.inference_mode():
        _, state = fold.step(frames[:, 0], 1.0, fold.initial_state(1))
        once = fold.step(frames[:, 1], 1.0, state)[0]
        fold.step(frames[:, 2], 1.0, state)
        assert torch.equal(once, fold.step(frames[:, 1], 1.0, state)[0])


def test_later_training_leaves_the_folded_form_alone() -> None:
    net, frames = small("head=gated"), crops(5)
    fold = Folded(net)
    with torch.inference_mode():
        before = fold.step(frames[:, 0], 1.0, fold.initial_state(1))[0]
        for parameter in net.parameters():
            parameter.add_(1.0)
        assert torch.equal(before, fold.step(frames[:, 0], 1.0, fold.initial_state(1))[0])


def test_the_control_that_sees_the_future_is_refused() -> None:
    with pytest.raises(ParameterError, match="sees later frames"):
        Folded(PhaseNet(SETTINGS["head=symmetric"]))


# --- the stream ---


@pytest.fixture(scope="module")
def net() -> PhaseNet:
    return small("head=gated")


@pytest.mark.parametrize("name", CAUSAL)
def test_a_stream_goes_on_from_its_saved_state(name: str, tmp_path: Path) -> None:
    net, frames = small(name), crops(30)[0]
    whole, part = PulseStream(net), PulseStream(net)
    expected = [whole.step(frame, index / 30) for index, frame in enumerate(frames)]
    for index in range(17):
        part.step(frames[index], index / 30)
    torch.save(part.state_dict(), tmp_path / "state.pt")
    other = PulseStream(net)
    other.load_state_dict(torch.load(tmp_path / "state.pt"))
    assert [other.step(frames[index], index / 30) for index in range(17, 30)] == expected[17:]


def test_a_state_of_another_network_is_refused(net: PhaseNet) -> None:
    stream, frame = PulseStream(net), crops(1)[0, 0]
    stream.step(frame, 0.0)
    held = stream.state_dict()
    for wrong, message in (
        ({**held, "mean": held["mean"].double()}, "'mean' is torch.float64"),
        ({**held, "position": torch.zeros(1, 2)}, "'position' is .* of shape"),
        ({key: value for key, value in held.items() if key != "last_s"}, "'last_s' is missing"),
        ({**held, "extra": torch.zeros(1)}, "'extra' is unknown"),
    ):
        with pytest.raises(ShapeError, match=message):
            stream.load_state_dict(wrong)
    assert all(torch.equal(value, held[key]) for key, value in stream.state_dict().items())


def test_a_rejected_frame_changes_nothing(net: PhaseNet) -> None:
    frames = crops(6)[0]
    stream, other = PulseStream(net), PulseStream(net)
    for index in range(2):
        stream.step(frames[index], index / 30)
        other.step(frames[index], index / 30)
    bad = frames[2].clone()
    bad[0, 3, 3] = float("nan")
    for frame, time_s, error, message in (
        (bad, 0.1, ParameterError, "between nan and nan"),
        (255 * frames[2], 0.1, ParameterError, "divide 8-bit values by 255"),
        (frames[2] - 1, 0.1, ParameterError, "numbers in 0..1"),
        (frames[2, :2], 0.1, ShapeError, r"\(2, 12, 12\)"),
        (frames[2].permute(1, 2, 0), 0.1, ShapeError, r"\(12, 12, 3\)"),
        ((255 * frames[2]).byte(), 0.1, ShapeError, "torch.uint8"),
        (frames[2], 1 / 30, ShapeError, "does not come after"),
        (frames[2], -1.0, ShapeError, "does not come after"),
        (frames[2], float("nan"), ShapeError, "does not come after"),
    ):
        with pytest.raises(error, match=message):
            stream.step(frame, time_s)
    assert stream.step(frames[3], 0.1) == other.step(frames[3], 0.1)


def test_a_clip_with_a_bad_frame_is_refused_whole(net: PhaseNet) -> None:
    frames = crops(10)[0]
    stream, other = PulseStream(net), PulseStream(net)
    times = torch.arange(10, dtype=torch.float64) / 30
    bad = frames.clone()
    bad[7] = 3.0
    with pytest.raises(ParameterError, match="between 0"):
        stream.run(Clip(frames=bad, times_s=times))
    good = Clip(frames=frames, times_s=times)
    assert torch.equal(stream.run(good)[0], other.run(good)[0])


def test_the_size_of_the_state_is_told() -> None:
    net = PhaseNet(TINY).eval()
    stream = PulseStream(net)
    floats = 2 * 3 * 36**2 + 2 * (32 + 48) * 81 + 80 + 6 * 40 * 64
    assert stream.state_bytes == 4 * floats + 8 + 8  # and the two counts
    assert PulseStream(PhaseNet(CONFIGS["base"])).state_bytes <= 2**20
