"""The public question whether a model sees the future: it passes, fails and refuses rightly."""

import pytest
import torch
from torch import Tensor

from pulsephase.errors import ShapeError
from pulsephase.models.causality import assert_causal, frozen_statistics, look_ahead
from pulsephase.models.config import TINY
from pulsephase.models.phasenet import PhaseNet


def crops(time: int, *, batch: int = 1) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.rand(batch, time, 3, 36, 36, generator=generator)


def level(frames: Tensor) -> Tensor:
    return frames.mean((2, 3, 4))


def test_the_shipped_network_is_causal() -> None:
    assert_causal(PhaseNet.from_pretrained("tiny"), crops(64), starts=(1, 20, 63))


def test_causal_in_training_form_with_frozen_statistics() -> None:
    net = frozen_statistics(PhaseNet.from_pretrained("tiny").train())
    assert_causal(net, crops(48, batch=2))


def test_batch_statistics_are_the_only_coupling_in_training() -> None:
    assert look_ahead(PhaseNet(TINY).train(), crops(32), start=16) > 0


@pytest.mark.parametrize("share", [1.0, 1e-3, 1e-6])
def test_one_frame_of_future_is_seen_however_faint(share: float) -> None:
    with pytest.raises(AssertionError, match="not causal: frames from 8 on"):
        assert_causal(
            lambda frames: level(frames) + share * level(frames).roll(-1, 1), crops(32).double()
        )


def test_a_statistic_of_the_clip_is_seen() -> None:
    with pytest.raises(AssertionError, match="not causal"):
        assert_causal(lambda frames: level(frames) - level(frames).mean(1, keepdim=True), crops(16))


def test_a_convolution_by_spectra_is_seen() -> None:
    """Causal in exact arithmetic, yet its round-off runs ahead: why the plain filter is direct."""

    def by_spectra(frames: Tensor) -> Tensor:
        taps = torch.exp(-torch.arange(64) / 9.0)
        product = torch.fft.rfft(level(frames), 256) * torch.fft.rfft(taps, 256)
        return torch.fft.irfft(product, 256)[:, : frames.shape[1]]

    assert 0 < look_ahead(by_spectra, crops(64), start=32) < 1e-4


def test_a_constant_model_is_refused() -> None:
    with pytest.raises(AssertionError, match="ignores its input"):
        assert_causal(lambda frames: torch.zeros(frames.shape[:2]), crops(8))


def test_what_cannot_be_tested_is_refused() -> None:
    with pytest.raises(ShapeError, match="it must be 1 to 7"):
        assert_causal(level, crops(8), starts=(8,))
    with pytest.raises(ShapeError, match="1 to 0"):
        assert_causal(level, crops(1))
    with pytest.raises(ShapeError, match="frames that differ"):
        assert_causal(level, torch.full((1, 8, 3, 4, 4), 0.5))
    with pytest.raises(ShapeError, match="one number a frame"):
        assert_causal(lambda frames: level(frames)[:, 1:], crops(8))


@pytest.mark.parametrize("time", [2, 3, 5])
def test_short_clips_have_starts(time: int) -> None:
    assert_causal(level, crops(time))
