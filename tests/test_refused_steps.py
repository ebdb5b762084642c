"""A refused step leaves everything as it was: a law, for every public object that has a state."""

import copy
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from pulsephase.errors import PulsePhaseError
from pulsephase.live.monitor import Monitor
from pulsephase.models.classical.causal import CausalPOS, ColourStream
from pulsephase.models.config import TINY
from pulsephase.models.phasenet import PhaseNet
from pulsephase.models.stream import PulseStream
from pulsephase.video.clip import Clip
from pulsephase.video.faces import FaceTracker
from pulsephase.video.pipeline import FacePipeline, WholeFrame
from pulsephase.video.resample import Resampler
from pulsephase.video.several import SeveralFaces
from pulsephase.vitals.online import OnlineHeartRate
from pulsephase.vitals.signals import CausalBandPass

Step = Callable[[Any, Any, float], Any]
WILD_S = [math.inf, -math.inf, math.nan, 1e300, 1e12, 0.0, -1.0]
PICTURE = np.random.default_rng(0).integers(0, 255, (48, 64, 3)).astype(np.uint8)
CROP = torch.rand(3, 36, 36, generator=torch.Generator().manual_seed(0))
NET = PhaseNet(TINY).eval()


def clip_at(crop: torch.Tensor, time_s: float) -> Clip:
    return Clip(frames=crop[None], times_s=torch.tensor([time_s], dtype=torch.float64))


# by name: how it is made, how it is stepped, a good input, wild inputs, whether time is given
OBJECTS: dict[str, tuple[Callable[[], Any], Step, Any, list[Any], bool]] = {
    "stream": (
        lambda: PulseStream(NET),
        lambda it, x, t: it.step(x, t),
        CROP,
        [CROP * math.nan, CROP + 5, CROP[:1], CROP.int()],
        True,
    ),
    "stream, clips": (
        lambda: PulseStream(NET),
        lambda it, x, t: it.run(clip_at(x, t)),
        CROP,
        [CROP * math.nan, CROP + 5],
        True,
    ),
    "online": (
        lambda: OnlineHeartRate(sample_hz=30.0),
        lambda it, x, t: it.push(x, t),
        0.5,
        [math.inf, -math.inf, 1e308],
        True,
    ),
    "resampler": (
        lambda: Resampler(10.0),
        lambda it, x, t: it.push(x, t),
        np.ones(2),
        [],
        True,
    ),
    "pipeline": (
        lambda: FacePipeline(WholeFrame(), size=8, sample_hz=10.0),
        lambda it, x, t: list(it.push(x, t)),
        PICTURE,
        [PICTURE[:0], PICTURE[..., :1], PICTURE[..., 0], np.full((8, 8, 3), np.nan)],
        True,
    ),
    "tracker": (
        FaceTracker,
        lambda it, x, t: it.update(x, t),
        PICTURE,
        [PICTURE[:0], PICTURE[..., :1], PICTURE[..., 0]],
        True,
    ),
    "several": (
        SeveralFaces,
        lambda it, x, t: it.update(x, t),
        PICTURE,
        [PICTURE[:0], PICTURE[..., :1], PICTURE[..., 0]],
        True,
    ),
    "monitor": (
        lambda: Monitor(NET, faces=WholeFrame()),
        lambda it, x, t: it.push(x, t),
        PICTURE,
        [PICTURE[:0], PICTURE[..., 0]],
        True,
    ),
    "band pass": (
        lambda: CausalBandPass(sample_hz=30.0, band_hz=(0.6, 4.0)),
        lambda it, x, t: it.push(x),
        np.array([1.0, 2.0]),
        [np.array([math.nan]), np.array([1.0, math.inf]), np.array([1e308])],
        False,
    ),
    "colour": (
        lambda: ColourStream(CausalPOS(sample_hz=30.0)),
        lambda it, x, t: it.step(x),
        torch.tensor([0.5, 0.4, 0.3]),
        [torch.full((3,), math.nan), torch.full((3,), 1e30), torch.ones(2)],
        False,
    ),
}


def plain(value: Any) -> str:
    """Return what a step gave, as text that is equal where the numbers are."""
    match value:
        case torch.Tensor():
            return str(value.tolist())
        case np.ndarray():
            return str(value.tolist())
        case list() | tuple():
            return str([plain(each) for each in value])
    return repr(value)


@pytest.mark.parametrize("name", OBJECTS)
def test_a_refused_step_changes_nothing(name: str) -> None:
    make, step, good, wild, timed = OBJECTS[name]
    tried, clean = make(), make()
    for number in range(3):
        step(tried, copy.copy(good), number / 10)
        step(clean, copy.copy(good), number / 10)
    bad: list[tuple[Any, float]] = [(each, 0.3) for each in wild]
    bad += [(good, each) for each in WILD_S] if timed else []
    for value, time_s in bad:
        with pytest.raises((PulsePhaseError, TypeError)):  # under pytest shapes are checked, too
            step(tried, value, time_s)
    for number in range(3, 7):
        left, right = (step(each, copy.copy(good), number / 10) for each in (tried, clean))
        assert plain(left) == plain(right)


def test_a_state_that_holds_no_number_is_not_loaded() -> None:
    stream = PulseStream(NET)
    stream.step(CROP, 0.0)
    held = stream.state_dict()
    for name, tensor in held.items():
        if tensor.is_floating_point():
            with pytest.raises(PulsePhaseError, match="no number"):
                stream.load_state_dict({**held, name: torch.full_like(tensor, math.nan)})
    fresh = PulseStream(NET)
    fresh.load_state_dict(held)
    assert stream.step(CROP, 0.1) == fresh.step(CROP, 0.1)
