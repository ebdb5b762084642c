"""Squeeze-excitation and what the network sees of a frame: frame by frame, nothing of the clip."""

import pytest
import torch

from pulsephase.models.config import INPUT_CHANNELS, INPUTS, InputName, MeanForm
from pulsephase.models.est import CausalDepthwise, SqueezeExcitation
from pulsephase.models.normalise import (
    FLOOR,
    LIMIT,
    initial_state,
    normalise,
)


def seen(
    frames: torch.Tensor, inputs: InputName, *, step: float = 1.0, form: MeanForm = "ratio"
) -> torch.Tensor:
    steps = frames.new_full(frames.shape[:2], step)
    return normalise(
        frames, steps, initial_state(frames[:, 0]), window=5, inputs=inputs, mean_form=form
    )[0]


def steady(time: int = 8) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    still = torch.rand(1, 1, 3, 4, 4, generator=generator, dtype=torch.float64)
    noise = torch.randn(1, time, 3, 4, 4, generator=generator, dtype=torch.float64)
    return 0.3 + 0.4 * still + 0.003 * noise


@pytest.mark.parametrize("inputs", INPUTS)
def test_channels(inputs: InputName) -> None:
    assert seen(steady(), inputs).shape[2] == INPUT_CHANNELS[inputs]


def test_both_is_the_mean_and_the_difference() -> None:
    frames = steady()
    parts = torch.cat([seen(frames, "mean"), seen(frames, "difference")], 2)
    assert torch.equal(seen(frames, "both"), parts)


def test_raw_is_raw() -> None:
    frames = steady()
    assert torch.equal(seen(frames, "raw"), frames - 0.5)


@pytest.mark.parametrize("inputs", ["mean", "difference"])
def test_input_is_blind_to_the_lamp(inputs: InputName) -> None:
    """Half the light, the same relative change, but for the floor that guards black pixels."""
    bright, dim = (seen(frames, inputs, form="deviation") for frames in (steady(), steady() / 2))
    floor = FLOOR / (steady().min() / 2 + FLOOR)
    assert (dim - bright).abs().max() <= floor * bright.abs().max()


@pytest.mark.parametrize(("level", "left"), [(0.6, 1.0), (0.14, 0.0)])
def test_the_ratio_loses_dark_skin_and_the_deviation_does_not(level: float, left: float) -> None:
    """Why `base` and `paper` take the deviation: the ratio of a dark pixel stands at its limit."""
    pulse = 1 + 0.01 * torch.sin(torch.arange(60.0) * 0.25)
    frames = (level * pulse)[None, :, None, None, None].expand(1, 60, 3, 2, 2)
    ratio, deviation = (
        seen(frames, "mean", form=form)[:, 20:].std() for form in ("ratio", "deviation")
    )
    assert deviation > 0.1
    # The floor lets the running mean ripple through, by at most FLOOR over the level.
    assert ratio / deviation == pytest.approx(left, abs=FLOOR / 0.6)


def test_the_difference_is_a_rate() -> None:
    frames = steady()
    torch.testing.assert_close(
        seen(frames, "difference", step=2.0), seen(frames, "difference") / 2, rtol=1e-14, atol=0
    )


def test_a_cut_is_clipped() -> None:
    frames = steady()
    frames[:, 4:] = 1 - frames[:, 4:]
    for inputs in ("mean", "difference", "both"):
        found = seen(frames, inputs)
        assert found.abs().max() == LIMIT


def test_excitation_follows_its_equation() -> None:
    torch.manual_seed(0)
    part, x = SqueezeExcitation(6), torch.randn(3, 6, 4, 5)
    mean = x.flatten(2).mean(2)
    hidden = mean @ part.squeeze.weight.T + part.squeeze.bias
    hidden = torch.where(hidden > 0, hidden, hidden.exp() - 1)
    factor = torch.sigmoid(hidden @ part.excite.weight.T + part.excite.bias)
    torch.testing.assert_close(part(x), x * factor[:, :, None, None])


def test_excitation_looks_at_one_frame() -> None:
    torch.manual_seed(0)
    part, x = SqueezeExcitation(6), torch.randn(5, 6, 4, 4)
    changed = x.clone()
    changed[3] = 0
    others = [0, 1, 2, 4]
    assert torch.equal(part(x)[others], part(changed)[others])


def test_the_temporal_filter_is_a_convolution_per_channel() -> None:
    torch.manual_seed(0)
    part = CausalDepthwise(3, kernel=4)
    x, state = torch.randn(2, 9, 3, 2, 2), torch.randn(2, 3, 3, 2, 2)
    found, after = part(x, state)
    padded = torch.cat([state, x], 1)
    for time in range(9):
        newest_first = padded[:, time : time + 4].flip(1)
        wanted = (newest_first * part.weight[None, :, :, None, None]).sum(1)
        torch.testing.assert_close(found[:, time], wanted)
    assert torch.equal(after, padded[:, 9:])
