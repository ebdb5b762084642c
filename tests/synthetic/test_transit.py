"""The transit delay in the pixels: its sign, its size, and that it does not overshoot the wave."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from pulsephase.synthetic.config import FaceRanges
from pulsephase.synthetic.draw import Drawn, draw_clip
from pulsephase.synthetic.face import grid_lines, sample_face
from pulsephase.synthetic.presets import PRESETS, preset
from pulsephase.synthetic.pulse import sample_pulse, wave_at
from pulsephase.synthetic.shade import (
    FAST_PER_S,
    Staged,
    delayed,
    fastest_pole,
    prepare,
    shade,
    volume_at,
)
from pulsephase.synthetic.surface import project, seen

SIZE, WHOLE = 36, slice(0, 300)
TIMES = torch.arange(300, dtype=torch.float64) / 30
STILL = {
    "motion": replace(preset("naive").motion, scale=(1e-9, 1e-9)),
    "light": replace(preset("naive").light, drift=(1e-9, 1e-9), gloss=(0.0, 0.0)),
}
FAST = (84, 185)  # in vessel: poles of 614 and 761 /s, delays to 25 and 22 ms


def skin_waves(seed: int, name: str, delay_s: tuple[float, float]) -> tuple[Drawn, Tensor, Tensor]:
    """Return a clip, its blood volume by pixel of bare skin (log light), and the pixels' delays."""
    config = replace(preset(name), **STILL, face=FaceRanges(delay_s=delay_s))
    drawn = draw_clip(seed, config, height=SIZE, width=SIZE)
    staged = prepare(drawn)
    linear, _ = shade(staged, WHOLE)
    maps, mask = maps_of(staged)
    bare = (mask > 0.999) & (maps[6] < 0.02) & (maps[7:].amax(0) < 0.02) & (maps[3] > 0.3)
    assert bare.sum() > 100
    change = linear[1].double().log()[:, bare]
    gain = drawn.pulse.amplitude * float(drawn.skin.direction[1])
    return (
        drawn,
        (change - change.mean(0)) / (gain * maps[3][bare].double()),
        maps[4][bare].double(),
    )


def maps_of(staged: Staged) -> tuple[Tensor, Tensor]:
    across, down = grid_lines(SIZE, SIZE)
    surface = project(staged.rays, slice(0, 1), across=across, down=down)
    return seen(staged.maps, surface)[:, 0], surface.mask[0]


@pytest.mark.parametrize(("name", "seed"), [("full", 2), ("full", 6), ("vessel", 84)])
def test_pixels_lag_by_their_delay(name: str, seed: int) -> None:
    """The lag at which a pixel follows the wave best is the delay that the map has there."""
    drawn, waves, delay_s = skin_waves(seed, name, (0.04, 0.04))
    lags = torch.arange(-60, 61, 2, dtype=torch.float64) / 1000
    shifted = torch.stack([wave_at(drawn.pulse, drawn.times_s - lag)[0] for lag in lags])
    shifted = torch.nn.functional.normalize(shifted - shifted.mean(1, keepdim=True), dim=1)
    found = lags[(shifted @ torch.nn.functional.normalize(waves, dim=0)).argmax(0)]
    assert delay_s.max() - delay_s.min() > 0.015
    assert float(torch.corrcoef(torch.stack([found, delay_s]))[0, 1]) > 0.97
    assert float((found - delay_s).abs().median()) < 0.003


@pytest.mark.parametrize("seed", FAST)
def test_fast_poles_do_not_overshoot(seed: int) -> None:
    """By Taylor's series pixels were many times the wave at single frames."""
    drawn, waves, delay_s = skin_waves(seed, "vessel", preset("vessel").face.delay_s)
    assert fastest_pole(drawn.pulse) > 600 and delay_s.abs().max() > 0.008
    times = (drawn.times_s[:, None] - delay_s).flatten()
    exact = wave_at(drawn.pulse, times)[0].view_as(waves)
    exact = exact - exact.mean(0)
    gain = (waves * exact).sum() / exact.square().sum()  # sheen takes a share
    assert 0.8 < gain < 1
    waves = waves / gain
    assert waves.abs().max() < 1.05 * exact.abs().max()
    assert (waves - exact).square().mean().sqrt() < 0.1 * exact.std()
    face, truth = waves.mean(1), exact.mean(1)
    assert (face - truth).std() < 0.03 * truth.std()
    assert face.abs().max() < 1.03 * truth.abs().max()


@pytest.mark.parametrize("forcing", ["impulses", "zero", "first"])
@pytest.mark.parametrize("name", ["full", "vessel"])
def test_the_wave_from_the_state_before_is_the_sum_over_all_beats(name: str, forcing: str) -> None:
    for seed in (0, 1, *FAST):
        pulse = sample_pulse(seed, replace(preset(name).pulse, forcing=forcing), TIMES)
        times = torch.cat([TIMES - 0.04, TIMES + 0.013, pulse.beat_times_s])
        expected = wave_at(pulse, times)[0]
        torch.testing.assert_close(volume_at(pulse, times), expected, rtol=0.0, atol=1e-11)
    both = pulse._replace(reflection_delay_s=0.0, held=None)  # two impulses at once
    expected = wave_at(both, TIMES)[0]
    torch.testing.assert_close(volume_at(both, TIMES), expected, rtol=0.0, atol=1e-11)


def test_no_preset_but_vessel_leaves_the_series() -> None:
    """So that their clips stay what they were: their poles are too slow, whatever the seed."""
    faces = [sample_face(seed, preset("full").face).maps[4] for seed in range(40)]
    exact = dict.fromkeys(PRESETS, 0)
    for name, config in PRESETS.items():
        assert config.face.delay_s == preset("full").face.delay_s
        for seed, delay_s in enumerate(faces):
            pulse = sample_pulse(seed, config.pulse, TIMES[:30])
            exact[name] += delayed(pulse, TIMES[:2], delay_s) is not None
            assert name == "vessel" or fastest_pole(pulse) < FAST_PER_S
    assert 10 < exact.pop("vessel") < 25 and not any(exact.values())


def test_large_delays_leave_the_series_with_slow_poles_too() -> None:
    pulse = sample_pulse(0, preset("rate").pulse, TIMES)._replace(omega=27.0)
    assert fastest_pole(pulse) < FAST_PER_S
    face = sample_face(1, FaceRanges(delay_s=(0.2, 0.2))).maps[4]
    assert delayed(pulse, TIMES, face) is not None
    assert delayed(pulse, TIMES, 0 * face) is None
