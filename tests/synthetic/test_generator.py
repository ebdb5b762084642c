"""Laws of the generator: same seed same clip, layers apart, the pulse obeys its equation."""

import math
from copy import copy
from dataclasses import fields, replace

import numpy as np
import pytest
import torch
from scipy.linalg import expm
from scipy.stats import kstest
from torch.utils.data import DataLoader

from pulsephase.errors import ParameterError, SamplingError
from pulsephase.synthetic.camera import add_noise, block_means, compress
from pulsephase.synthetic.config import (
    CameraRanges,
    MotionRanges,
    PulseRanges,
    SkinRanges,
    SynthConfig,
)
from pulsephase.synthetic.dataset import SyntheticClips
from pulsephase.synthetic.draw import draw_clip
from pulsephase.synthetic.ejection import impulse_response
from pulsephase.synthetic.limits import LIMITS
from pulsephase.synthetic.presets import PRESETS, preset
from pulsephase.synthetic.pulse import sample_pulse
from pulsephase.synthetic.render import render, render_with_maps
from pulsephase.synthetic.streams import Stream

SMALL = replace(preset("full"), frames=40)
TIMES = torch.arange(300, dtype=torch.float64) / 30


def same(first: object, second: object) -> bool:
    return torch.equal(first.frames, second.frames) and torch.equal(first.pulse, second.pulse)


def test_the_same_seed_gives_the_same_clip_whatever_came_before() -> None:
    alone = render(11, SMALL)
    for seed in (3, 99):
        render(seed, SMALL)
    torch.rand(7)
    assert same(alone, render(11, SMALL))
    assert not same(alone, render(12, SMALL))


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_any_number_of_workers_gives_the_same_clips(workers: int) -> None:
    config = replace(SMALL, frames=8, size=16)
    loader = DataLoader(
        SyntheticClips(config, base_seed=50, batch=2), batch_size=2, num_workers=workers
    )
    source = iter(loader)
    frames = torch.cat([next(source)["frames"] for _ in range(4)])
    expected = torch.stack([render(50 + index, config).frames for index in range(8)])
    assert torch.equal(frames, expected)


def test_a_data_set_can_begin_at_any_sample() -> None:
    config = replace(SMALL, frames=4, size=16)
    late = next(iter(SyntheticClips(config, base_seed=50, start=3)))
    assert torch.equal(late["frames"], render(53, config).frames)


def segments(pulse: object, *, omega: float) -> np.ndarray:
    """Integrate the forcing segment by segment with the matrix exponential: no closed form."""
    system = np.array([[0.0, 1.0], [-(omega**2), -pulse.alpha]])
    kicks = [(t, a) for t, a in zip(pulse.beat_times_s, pulse.weights, strict=True)]
    kicks += [
        (t + pulse.reflection_delay_s, pulse.reflection * a)
        for t, a in zip(pulse.beat_times_s, pulse.weights, strict=True)
    ]
    events = sorted([(float(t), float(a)) for t, a in kicks] + [(float(t), 0.0) for t in TIMES])
    state, now, out = np.zeros(2), events[0][0], {}
    for time_s, kick in events:
        state = expm(system * (time_s - now)) @ state
        now = time_s
        out[time_s] = state.copy()
        state[1] += kick
    return np.array([out[float(t)] for t in TIMES])


@pytest.mark.parametrize("name", ["full", "vessel"])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_pulse_solves_its_equation(name: str, seed: int) -> None:
    pulse = sample_pulse(seed, preset(name).pulse, TIMES)
    found = segments(pulse, omega=pulse.omega)
    np.testing.assert_allclose(pulse.z + pulse.mean, found[:, 0], atol=1e-9)
    np.testing.assert_allclose(pulse.dz, found[:, 1], atol=1e-8)
    wrong = segments(pulse, omega=1.01 * pulse.omega)
    assert np.abs(wrong[:, 0] - (pulse.z + pulse.mean).numpy()).max() > 1e-3


def test_derivatives_away_from_jumps() -> None:
    times = torch.arange(20_000, dtype=torch.float64) / 2_000
    pulse = sample_pulse(4, preset("full").pulse, times)
    kicks = torch.cat([pulse.beat_times_s, pulse.beat_times_s + pulse.reflection_delay_s])
    away = (times[1:-1, None] - kicks).abs().amin(1) > 0.01
    slope = (pulse.z[2:] - pulse.z[:-2]) * 1_000
    bend = (pulse.dz[2:] - pulse.dz[:-2]) * 1_000
    assert (slope - pulse.dz[1:-1])[away].abs().max() < 1e-3 * pulse.dz.abs().max()
    # the mean was removed from z, so the equation holds with omega^2 mean as a constant force
    shift = pulse.omega**2 * pulse.mean
    assert (bend - pulse.ddz[1:-1])[away].abs().max() < 1e-2 * (shift + pulse.ddz.abs().max())


@pytest.mark.parametrize("alpha", [1.0, 11.9999, 12.0, 12.0001, 60.0])
def test_the_impulse_response_is_that_of_the_matrix_exponential(alpha: float) -> None:
    lags = torch.linspace(-0.1, 2.0, 43, dtype=torch.float64)
    h, slope = impulse_response(lags, alpha=alpha, omega=6.0)
    system = np.array([[0.0, 1.0], [-36.0, -alpha]])
    for lag, value, rate in zip(lags.tolist(), h.tolist(), slope.tolist(), strict=True):
        expected = expm(system * lag)[:, 1] if lag > 0 else np.zeros(2)
        np.testing.assert_allclose([value, rate], expected, atol=1e-7)


def test_the_pulse_is_normalised() -> None:
    clip = render(5, preset("full"))
    assert float(clip.pulse.mean()) == pytest.approx(0, abs=1e-5)
    assert float(clip.pulse.std()) == pytest.approx(1, abs=1e-5)


def test_beats_and_rate_agree() -> None:
    for seed in range(20):
        clip = render(seed, replace(preset("full"), size=8))
        beats = clip.truth.beat_times_s
        counted = 60 * (len(beats) - 1) / float(beats[-1] - beats[0])
        assert counted == pytest.approx(float(clip.truth.heart_rate_bpm.mean()), rel=0.04)


def test_the_heart_rate_follows_its_law() -> None:
    ranges = PulseRanges(
        respiratory_depth=(0.0, 0.0),
        mayer_depth=(0.0, 0.0),
        drift=0.0,
        heart_rate_bpm=(50.0, 150.0),
    )
    rates = [float(sample_pulse(s, ranges, TIMES[:2]).heart_rate_bpm[0]) for s in range(2000)]
    share = np.log(np.array(rates) / 50) / math.log(3)
    assert kstest(share, "uniform").pvalue > 0.01  # alpha = 1 %, seeds fixed


def test_in_vessel_oscillator_and_heart_rate_are_unrelated() -> None:
    drawn = [sample_pulse(seed, preset("vessel").pulse, TIMES[:2]) for seed in range(300)]
    rate = [float(p.heart_rate_bpm[0]) for p in drawn]
    limit = 2.6 / math.sqrt(300)  # 1 %, two-sided
    for value in ([p.omega for p in drawn], [math.log(p.alpha) for p in drawn]):
        assert abs(np.corrcoef(np.log(rate), value)[0, 1]) < limit
    assert sum(p.alpha > 2 * p.omega for p in drawn) > 30
    in_full = [sample_pulse(seed, preset("full").pulse, TIMES[:2]) for seed in range(300)]
    followed = np.corrcoef([p.omega for p in in_full], [p.heart_rate_bpm[0] for p in in_full])
    assert followed[0, 1] > 0.3


# --- layers apart ---


def test_switching_the_pulse_off_leaves_all_else() -> None:
    bare = replace(
        SMALL,
        codec=replace(SMALL.codec, probability=0.0),
        camera=replace(SMALL.camera, fixed_gain=1.0),  # metering would see the pulse
    )
    dead = replace(bare, no_pulse_probability=1.0)
    for seed in range(4):
        on, off = render_with_maps(seed, bare), render_with_maps(seed, dead)
        assert on.truth.parameters | {"has_pulse": 0.0} == off.truth.parameters
        assert torch.equal(on.truth.heart_rate_bpm, off.truth.heart_rate_bpm)
        assert (off.pulse == 0).all()
        outside = (on.truth.skin_mask == 0)[:, None].expand_as(on.frames)
        assert outside.float().mean() > 0.02
        assert torch.equal(on.frames[outside], off.frames[outside])
        assert not torch.equal(on.frames, off.frames)


def test_another_range_in_one_layer_leaves_the_draws_of_the_others() -> None:
    still = replace(SMALL, motion=MotionRanges(scale=(0.001, 0.002)))
    first = draw_clip(7, SMALL, height=36, width=36)
    second = draw_clip(7, still, height=36, width=36)
    assert torch.equal(first.pulse.z, second.pulse.z)
    assert torch.equal(first.face.maps, second.face.maps)
    assert torch.equal(first.light.tracks, second.light.tracks)
    assert torch.equal(first.background, second.background)
    assert first.camera.noise == second.camera.noise
    assert not torch.equal(first.motion.pose, second.motion.pose)


def test_mask_and_pixels_agree() -> None:
    """Where the mask says skin, a strong pulse moves the pixel; where it says none, it does not."""
    strong = replace(
        preset("naive"),
        frames=60,
        pulse=PulseRanges(amplitude=(0.03, 0.03)),
        light=replace(preset("naive").light, drift=(1e-6, 2e-6)),
        motion=replace(preset("naive").motion, scale=(1e-6, 2e-6)),
        camera=replace(preset("naive").camera, unquantised_probability=1.0),
        face=replace(preset("naive").face, delay_s=(0.0, 0.0)),
    )
    clip = render_with_maps(2, strong)
    green = clip.frames[:, 1]
    moved = green.std(0) / green.mean(0)
    mask = clip.truth.skin_mask[0]
    assert moved[mask > 0.95].median() > 10 * moved[mask < 0.01].median()


def test_the_pulse_darkens_green_most_in_relative_terms() -> None:
    clip = render_with_maps(2, replace(preset("naive"), frames=150))
    mask = clip.truth.skin_mask[:, None]
    colour = (clip.frames * mask).sum((2, 3)) / mask.sum((2, 3))
    change = colour / colour.mean(0) - 1
    slope = (change * clip.pulse[:, None]).mean(0)
    assert (slope < 0).all()
    assert slope.abs().argmax() == 1


def test_sensor_noise_has_its_law_and_is_white() -> None:
    linear = torch.full((3, 40, 16, 16), 0.4)
    noisy = add_noise(linear.clone(), noise=0.02, stream=Stream(1, "noise"))
    unit = ((noisy - 0.4) / (0.02 * math.sqrt(0.7))).flatten(1)
    assert kstest(unit[1].numpy(), "norm").pvalue > 0.01
    spectrum = torch.fft.rfft(unit[1].double())[1:-1].abs().square()
    cumulative = (spectrum.cumsum(0) / spectrum.sum())[:-1]
    line = torch.arange(1, len(cumulative) + 1) / len(spectrum)
    bound = 1.63 / math.sqrt(len(spectrum))  # Kolmogorov-Smirnov, 1 %
    assert (cumulative - line).abs().max() < bound
    smooth = (unit[1, 1:] + unit[1, :-1]).double()
    spectrum = torch.fft.rfft(smooth)[1:-1].abs().square()
    cumulative = (spectrum.cumsum(0) / spectrum.sum())[:-1]
    line = torch.arange(1, len(cumulative) + 1) / len(spectrum)
    assert (cumulative - line).abs().max() > bound  # the test can fail


def test_the_codec_stand_in_keeps_blocks_within_a_step() -> None:
    levels = 255 * torch.rand(20, 3, 8, 12, generator=torch.Generator().manual_seed(0))
    coded = compress(levels.clone(), block_means(levels[:1]), step=2.0)
    wanted, found = (torch.nn.functional.avg_pool2d(x, 4) for x in (levels, coded))
    assert (wanted - found).abs().max() <= 1.0 + 1e-4
    assert torch.equal(coded[0], levels[0])
    decoded = wanted[0]
    for index in range(1, 20):  # as its definition has it: the change from the decoded one before
        decoded = decoded + 2.0 * ((wanted[index] - decoded) / 2.0).round()
        torch.testing.assert_close(found[index], decoded, rtol=0.0, atol=1e-3)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_another_device_gives_the_same_clip_but_for_the_grain_of_its_noise() -> None:
    here, there = render_with_maps(4, SMALL), render_with_maps(4, SMALL, device="cuda")
    torch.testing.assert_close(here.pulse, there.pulse.cpu())
    masks = [clip.truth.skin_mask.cpu() for clip in (here, there)]
    torch.testing.assert_close(*masks, rtol=0.0, atol=1e-3)
    assert (here.frames - there.frames.cpu()).mean().abs() < 1e-3


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_renders_sound_clips(name: str) -> None:
    clip = render(1, replace(PRESETS[name], frames=12))
    assert clip.frames.shape == (12, 3, 36, 36)
    assert clip.frames.isfinite().all()
    assert 0 <= clip.frames.min() and clip.frames.max() <= 1
    assert 0.05 < clip.frames.mean() < 0.95
    assert bool((clip.pulse == 0).all()) == (name == "null")


# --- times ---


def test_jittered_times_are_the_times_of_the_labels() -> None:
    even, config = preset("easy"), preset("jitter")
    clip, straight = render(3, config), render(3, even)
    step = clip.times_s.diff() * config.sample_hz
    assert step.min() > 0.15 and step.max() < 1.85
    assert step.std() > 0.2
    at_true_times = sample_pulse(3, config.pulse, clip.times_s)
    torch.testing.assert_close(clip.pulse, at_true_times.z.float())
    assert not torch.equal(clip.pulse, straight.pulse)
    assert torch.equal(clip.truth.beat_times_s, straight.truth.beat_times_s)


def test_the_rate_varies_in_the_bands_that_were_asked() -> None:
    """Breathing and Mayer waves stand in the spectrum of the rate at their frequencies alone."""
    times = torch.arange(0, 200, 0.25, dtype=torch.float64)
    ranges = PulseRanges(
        respiratory_depth=(0.05, 0.05), mayer_depth=(0.03, 0.03), drift=0.0, breathing_hz=(0.3, 0.3)
    )
    rate = sample_pulse(1, ranges, times).heart_rate_bpm
    relative = (rate / rate.mean() - 1) * torch.hann_window(len(times), dtype=torch.float64)
    power = torch.fft.rfft(relative).abs().square()
    hz = torch.fft.rfftfreq(len(times), 0.25)
    near = {f: float(power[(hz - f).abs() < 0.02].sum()) for f in (0.1, 0.3)}
    assert near[0.1] / near[0.3] == pytest.approx((0.03 / 0.05) ** 2, rel=0.05)
    assert sum(near.values()) > 0.999 * float(power.sum())


# --- bad input ---

LAYERS = {
    type(getattr(SynthConfig(), entry.name)).__name__: entry.name for entry in fields(SynthConfig)
}
NUMBERS = [(layer, name) for layer, held in LIMITS.items() for name in held]
BARE = {"forcing"}


def asked(layer: str, name: str, low: float, high: float) -> SynthConfig:
    """Return a small clip whose layer has the given range, or its high end where it is a number."""
    small = replace(preset("full"), frames=4, size=8)
    record = getattr(small, LAYERS[layer])
    if layer == "PulseRanges":  # so that the heart beats in the warm-up, whatever else varies
        record = replace(record, respiratory_depth=(0.0, 0.0), mayer_depth=(0.0, 0.0), drift=0.0)
        record = replace(record, warm_up_s=120.0, heart_rate_bpm=(100.0, 100.0))
    paired = isinstance(getattr(record, name), tuple)
    changed = replace(record, **{name: (low, high) if paired else high})
    return replace(small, **{LAYERS[layer]: changed})


def test_every_number_of_every_layer_has_limits() -> None:
    for layer, where in LAYERS.items():
        if layer in LIMITS:
            names = {entry.name for entry in fields(getattr(SynthConfig(), where))} - BARE
            known = {n for n in names if n.endswith("probability") or n == "follows_heart"}
            assert names - known == set(LIMITS[layer])
    assert set(LIMITS) == {layer for layer in LAYERS if layer.endswith("Ranges")}


@pytest.mark.parametrize(("layer", "name"), NUMBERS)
def test_what_the_limits_allow_is_rendered_and_what_they_do_not_is_named(
    layer: str, name: str
) -> None:
    low, high = LIMITS[layer][name]
    for end in (low, high):
        clip = render(2, asked(layer, name, end, end))
        assert clip.frames.isfinite().all() and clip.pulse.isfinite().all()
    for wrong in (math.nan, math.inf, -math.inf, high * 1.01 + 1e-9):
        with pytest.raises(ParameterError, match=f"{layer}.{name} is "):
            asked(layer, name, wrong, wrong)


@pytest.mark.parametrize(
    ("make", "error", "says"),
    [
        (lambda: PulseRanges(heart_rate_bpm=(90.0, 60.0)), ParameterError, "low end"),
        (lambda: SkinRanges(melanin=(-0.1, 0.2)), ParameterError, "0.0001 to 1"),
        (lambda: MotionRanges(bob_probability=1.5), ParameterError, "0..1"),
        (lambda: CameraRanges(time_jitter=0.5), ParameterError, "0 to 0.499"),
        (lambda: SynthConfig(size=0), ParameterError, "multiple of 4"),
        (lambda: SynthConfig(size=37), ParameterError, "multiple of 4"),
        (lambda: SynthConfig(frames=1), ParameterError, "at least 2"),
        (lambda: SynthConfig(frames=10**9), ParameterError, "at most 1000000"),
        (lambda: SynthConfig(frames=200_000), ParameterError, "last 6666.67 s; a clip lasts"),
        (lambda: SynthConfig(size=4100), ParameterError, "at most 4096"),
        (lambda: preset("full", seconds=4000.0), ParameterError, "to an hour"),
        (lambda: SynthConfig(sample_hz=0.0), SamplingError, "above 0"),
        (lambda: SynthConfig(sample_hz=5.0), SamplingError, "Nyquist"),
        (lambda: SynthConfig(sample_hz=math.inf), SamplingError, "finite"),
        (
            lambda: PulseRanges(respiratory_depth=(0.5, 0.5), mayer_depth=(0.5, 0.5)),
            ParameterError,
            "stands still",
        ),
        (lambda: PulseRanges(warm_up_s=1.0), ParameterError, "one beat"),
        (  # the mean rate alone is below 603 bpm
            lambda: SynthConfig(sample_hz=20.1, pulse=PulseRanges(heart_rate_bpm=(600.0, 600.0))),
            SamplingError,
            "reaches 708 as it varies",
        ),
        (lambda: PulseRanges(ectopic_probability=0.51), ParameterError, "at most 0.5"),
        (lambda: preset("nonsense"), ParameterError, "there are full"),
        (lambda: preset("full", seconds=math.nan), ParameterError, "seconds is nan"),
        (lambda: preset("full", seconds=0.01), ParameterError, "two frames"),
        (lambda: render(0, SMALL, device="toaster"), ParameterError, "use 'cpu'"),
        (lambda: render(-1, SMALL), ParameterError, "seed is -1"),
    ],
)
def test_impossible_settings_are_named(make: object, error: type, says: str) -> None:
    with pytest.raises(error, match=says):
        make()


@pytest.mark.parametrize(
    ("record", "name", "value", "says"),
    [
        (PulseRanges(), "heart_rate_bpm", ("60", "70"), "'60'; give a number"),
        (PulseRanges(), "heart_rate_bpm", ["60"], "give a pair"),
        (PulseRanges(), "drift", "x", "'x'; give a number"),
        (PulseRanges(), "ectopic_probability", "0", "'0'; give a number"),
        (CameraRanges(), "noise", (None, 0.1), "None; give a number"),
        (SynthConfig(), "sample_hz", "30", "'30'; give a number"),
        (SynthConfig(), "frames", "30", "a whole number"),
        (SynthConfig(), "size", 36.0, "a multiple of 4"),
        (SynthConfig(), "skin", {}, "give a SkinRanges"),
    ],
)
def test_what_is_no_number_is_named(record: object, name: str, value: object, says: str) -> None:
    """As a call without type checks has it; those of the tests would refuse it before."""
    wrong = copy(record)
    object.__setattr__(wrong, name, value)
    with pytest.raises(ParameterError, match=rf"{name} is .*{says}"):
        wrong.__post_init__()
