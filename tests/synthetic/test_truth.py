"""Truth beside the video: the forcing and its exact answer, tracks, maps, and a clip made again."""

import math
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.linalg import expm

from pulsephase.errors import InputError, ParameterError
from pulsephase.physics.forcing import SampledInput
from pulsephase.physics.simulate import simulate
from pulsephase.synthetic.config import PulseRanges
from pulsephase.synthetic.dataset import SyntheticClips
from pulsephase.synthetic.draw import draw_clip
from pulsephase.synthetic.ejection import EJECTION_S, Held, ejections, impulse_response, respond
from pulsephase.synthetic.folder import synthesize
from pulsephase.synthetic.presets import preset
from pulsephase.synthetic.pulse import sample_pulse, wave_at
from pulsephase.synthetic.render import render, render_with_maps
from pulsephase.synthetic.scene import render_scene
from pulsephase.synthetic.truth import clip_again, config_of, perfusion_map, tracks_of

TIMES = torch.arange(120, dtype=torch.float64) / 30
SMALL = replace(preset("full"), frames=24, size=16)
HOLDS = ("zero", "first")
FIXED = PulseRanges(
    respiratory_depth=(0.0, 0.0),
    mayer_depth=(0.0, 0.0),
    drift=0.0,
    jitter=0.0,
    heart_rate_bpm=(60.0, 60.0),
)


# --- forcing ---


def propagate(held: Held, alpha: float, omega: float, times: np.ndarray) -> np.ndarray:
    """Follow state and held input by matrix exponentials, segment by segment: no closed form."""
    system = np.array(
        [[0, 1, 0, 0], [-(omega**2), -alpha, 1, 0], [0, 0, 0, 1], [0, 0, 0, 0]], dtype=float
    )
    u = held.values.numpy()
    slopes = np.diff(u, append=u[-1]) / held.step_s * (held.hold == "first")
    states, state = [], np.zeros(2)
    for value, slope in zip(u, slopes, strict=True):
        states.append(np.array([*state, value, slope]))
        state = (expm(system * held.step_s) @ states[-1])[:2]
    out = []
    for time_s in times:
        index = math.floor((time_s - held.start_s) / held.step_s + 1e-9)
        late = time_s - held.start_s - index * held.step_s
        out.append((expm(system * late) @ states[index])[:2])
    return np.array(out)


@pytest.mark.parametrize("hold", HOLDS)
@pytest.mark.parametrize("name", ["full", "vessel"])
def test_a_sampled_forcing_is_answered_exactly(name: str, hold: str) -> None:
    ranges = replace(preset(name).pulse, forcing=hold, warm_up_s=8.0)
    times = TIMES + 0.3 / 30  # between the samples of the forcing
    pulse = sample_pulse(3, ranges, times)
    found = propagate(pulse.held, pulse.alpha, pulse.omega, times.numpy())
    np.testing.assert_allclose(pulse.z + pulse.mean, found[:, 0], atol=1e-9)
    np.testing.assert_allclose(pulse.dz, found[:, 1], atol=1e-8)
    wrong = propagate(pulse.held, pulse.alpha, 1.01 * pulse.omega, times.numpy())
    assert np.abs(wrong[:, 0] - (pulse.z + pulse.mean).numpy()).max() > 1e-3


@pytest.mark.parametrize("hold", HOLDS)
@pytest.mark.parametrize("alpha", [0.5, 12.0, 40.0])
def test_at_the_samples_it_is_the_exact_hold_of_the_physics(alpha: float, hold: str) -> None:
    values = torch.randn(50, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    held = Held(start_s=0.0, step_s=0.05, values=values, hold=hold)
    z = respond(held, torch.arange(50, dtype=torch.float64) * 0.05, alpha=alpha, omega=6.0)[0]
    rate, natural = torch.tensor([alpha, 6.0], dtype=torch.float64)
    expected = simulate(
        rate, natural, SampledInput(values=values, hold=hold), step_s=0.05, samples=50
    )
    torch.testing.assert_close(z, expected, rtol=0.0, atol=1e-12)


def test_an_ejection_has_the_weight_of_its_beat() -> None:
    grid = torch.arange(0, 2, 1e-3, dtype=torch.float64)
    beats, weights = torch.tensor([[0.4, 1.2], [1.5, 0.5]], dtype=torch.float64)
    held = ejections(beats, weights, grid_s=grid, hold="first")
    assert float(held.values.sum()) * 1e-3 == pytest.approx(2.0, rel=1e-4)
    assert not held.values[(grid > 0.401 + EJECTION_S) & (grid < 1.2)].any()
    area = quad(lambda t: math.pi / (2 * EJECTION_S) * math.sin(math.pi * t / EJECTION_S), 0, 0.3)
    assert area[0] == pytest.approx(1.0)


@pytest.mark.parametrize("hold", HOLDS)
def test_derivatives_are_those_of_the_pulse(hold: str) -> None:
    times = torch.arange(8_000, dtype=torch.float64) / 2_000
    pulse = sample_pulse(4, replace(preset("full").pulse, forcing=hold), times)
    phase = (times[1:-1] * 60) % 1
    away = (phase > 0.1) & (phase < 0.9)  # a hold may jump at its samples
    for low, high in ((pulse.z, pulse.dz), (pulse.dz, pulse.ddz)):
        slope = (low[2:] - low[:-2]) * 1_000
        assert (slope - high[1:-1])[away].abs().max() < 1e-3 * high.abs().max()


def test_the_form_of_the_forcing_leaves_every_draw() -> None:
    held = replace(SMALL, pulse=replace(SMALL.pulse, forcing="zero"))
    first, second = (draw_clip(7, config, height=16, width=16) for config in (SMALL, held))
    assert torch.equal(first.pulse.beat_times_s, second.pulse.beat_times_s)
    assert (first.pulse.alpha, first.pulse.omega) == (second.pulse.alpha, second.pulse.omega)
    assert torch.equal(first.light.tracks, second.light.tracks)
    assert torch.equal(first.face.maps, second.face.maps)
    assert not torch.equal(first.pulse.z, second.pulse.z)
    with pytest.raises(ParameterError, match="impulses, zero and first"):
        PulseRanges(forcing="second")


@pytest.mark.parametrize("forcing", ["impulses", *HOLDS])
def test_a_pulse_at_its_own_times_is_itself(forcing: str) -> None:
    pulse = sample_pulse(2, replace(preset("full").pulse, forcing=forcing), TIMES)
    for found, kept in zip(wave_at(pulse, TIMES), (pulse.z, pulse.dz, pulse.ddz), strict=True):
        torch.testing.assert_close(found, kept, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("forcing", ["impulses", "first"])
@pytest.mark.parametrize("name", ["full", "vessel"])
def test_long_clips_are_summed_in_stretches_to_the_same_bits(
    name: str, forcing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No table of times by impulses grows with the square of a clip's length."""
    cells: list[int] = []

    def noted(lag_s: torch.Tensor, **values: float) -> tuple[torch.Tensor, torch.Tensor]:
        cells.append(lag_s.numel())
        return impulse_response(lag_s, **values)

    def waves() -> torch.Tensor:
        pulse = sample_pulse(3, replace(preset(name).pulse, forcing=forcing), times)
        return torch.cat([pulse.z, pulse.dz, pulse.ddz, *wave_at(pulse, times + 0.004)])

    monkeypatch.setattr("pulsephase.synthetic.pulse.impulse_response", noted)
    times = torch.arange(2011, dtype=torch.float64) / 30
    monkeypatch.setattr("pulsephase.synthetic.ejection.CELLS", 2**60)
    whole = waves()
    monkeypatch.setattr("pulsephase.synthetic.ejection.CELLS", 2**15)
    cells.clear()
    assert torch.equal(waves(), whole)
    assert forcing == "first" or (max(cells) <= 2**15 and sum(cells) > 2**17)


# --- ectopic beats ---


@pytest.mark.parametrize("probability", [0.1, 0.3, 0.5])
def test_the_share_of_ectopic_beats_is_what_was_asked(probability: float) -> None:
    """Binomial bound of 1 %: beats that may not follow one another scatter less."""
    ranges = replace(FIXED, ectopic_probability=probability)
    times = torch.arange(600, dtype=torch.float64)
    pulses = [sample_pulse(seed, ranges, times) for seed in range(5)]
    beats = sum(len(pulse.beat_times_s) for pulse in pulses)
    share = sum(pulse.ectopic for pulse in pulses) / beats
    bound = 2.58 * math.sqrt(probability * (1 - probability) / beats)
    assert beats > 3000 and share == pytest.approx(probability, abs=bound)
    for pulse in pulses:
        assert pulse.beat_times_s.diff().min() > 0.59  # never two in a row


def test_ectopic_beats_come_early_and_leave_the_others() -> None:
    plain = sample_pulse(1, FIXED, TIMES)
    some = sample_pulse(1, replace(FIXED, ectopic_probability=0.3), TIMES)
    moved = plain.beat_times_s != some.beat_times_s
    assert int(moved.sum()) == some.ectopic > 0 == plain.ectopic
    early = (plain.beat_times_s - some.beat_times_s)[moved]  # of an interval of 1 s
    assert early.min() > 0.19 and early.max() < 0.41
    assert some.beat_times_s.diff().min() > 0.59
    assert not (moved[1:] & moved[:-1]).any()
    ratio = (some.weights / plain.weights) / (some.weights / plain.weights)[~moved][0]
    torch.testing.assert_close(ratio, torch.where(moved, 0.5, 1.0).double())
    assert torch.equal(plain.heart_rate_bpm, some.heart_rate_bpm)


# --- tracks, maps, the clip again ---


@pytest.mark.parametrize("forcing", ["impulses", "first"])
def test_an_npz_holds_the_whole_truth(forcing: str, tmp_path: Path) -> None:
    config = replace(preset("easy"), frames=24, size=16)
    config = replace(config, pulse=replace(config.pulse, forcing=forcing))
    synthesize(tmp_path, config=config, clips=1, seed=8, format="npz")
    drawn, clip = draw_clip(8, config, height=16, width=16), render(8, config)
    with np.load(tmp_path / "clip_000000008.npz") as found:
        arrays = dict(found)
    for name, value in tracks_of(drawn).items():
        np.testing.assert_array_equal(arrays[name], value)
    parameters = dict(
        zip(arrays["parameter_names"].tolist(), arrays["parameter_values"], strict=True)
    )
    assert parameters == dict(clip.truth.parameters)
    np.testing.assert_array_equal(arrays["light_rgb"].shape, (24, 3, 3))
    # z, its derivatives, alpha, omega and the forcing as saved satisfy the equation
    alpha, omega = parameters["alpha_per_s"], parameters["omega_rad_per_s"]
    left = arrays["pulse_acceleration_per_s2"] + alpha * arrays["pulse_velocity_per_s"]
    left = left + omega**2 * (arrays["pulse"] + drawn.pulse.mean)
    if forcing == "impulses":
        assert np.abs(left).max() < 1e-4  # the label is single precision
    else:
        u = np.interp(arrays["time_s"], arrays["forcing_times_s"], arrays["forcing"])
        np.testing.assert_allclose(left, u, atol=1e-4)


def test_without_a_pulse_its_tracks_are_zero() -> None:
    dead = tracks_of(draw_clip(8, replace(SMALL, no_pulse_probability=1.0), height=16, width=16))
    alive = tracks_of(draw_clip(8, SMALL, height=16, width=16))
    for name, value in alive.items():
        if name in ("pulse_velocity_per_s", "pulse_acceleration_per_s2", "forcing"):
            assert value.any() and not dead[name].any()
        else:
            np.testing.assert_array_equal(value, dead[name])


def test_respiration_is_the_rhythm_of_the_rate() -> None:
    ranges = replace(FIXED, respiratory_depth=(0.05, 0.05))
    pulse = sample_pulse(1, ranges, torch.arange(900, dtype=torch.float64) / 30)
    both = torch.stack([pulse.respiration, pulse.heart_rate_bpm])
    assert float(torch.corrcoef(both)[0, 1]) > 0.999


@pytest.mark.parametrize("scene", [None, (128, 96)])
def test_perfusion_map_and_pixels_agree(scene: tuple[int, int] | None) -> None:
    """Where the map is twice as large, the pixel moves twice as much; off the skin, not at all."""
    naive = preset("naive")
    config = replace(
        naive,
        frames=60,
        pulse=replace(naive.pulse, amplitude=(0.01, 0.01)),
        light=replace(naive.light, drift=(1e-6, 2e-6), gloss=(0.0, 0.0)),
        motion=replace(naive.motion, scale=(1e-6, 2e-6)),
        camera=replace(
            naive.camera, unquantised_probability=1.0, noise=(1e-7, 2e-7), exposure=(0.5, 0.5)
        ),
        face=replace(naive.face, delay_s=(0.0, 0.0)),
    )
    if scene is None:
        clip = render_with_maps(2, config)
    else:
        clip = render_scene(2, config, width=scene[0], height=scene[1], masks=True)
    found = perfusion_map(2, config, scene=scene)
    assert (found[clip.truth.skin_mask == 0] == 0).all()
    green = clip.frames[:, 1].double().clamp(min=1e-3).log()
    sure = clip.truth.skin_mask.amin(0) > 0.98
    moved, planted = _following(green, clip.pulse)[sure], found.mean(0).double()[sure]
    assert float(torch.corrcoef(torch.stack([moved, planted]))[0, 1]) > 0.9
    assert float(planted.std() / planted.mean()) > 0.1  # else there is nothing to agree on
    never = clip.truth.skin_mask.amax(0) == 0
    assert _following(green, clip.pulse)[never].abs().median() < 0.1 * moved.median()


def _following(green: torch.Tensor, pulse: torch.Tensor) -> torch.Tensor:
    """Return by how much each pixel darkens as the blood volume rises by one deviation."""
    wave = pulse.double() - pulse.double().mean()
    return -torch.einsum("t,thw->hw", wave, green) / wave.square().sum()


def test_asking_for_masks_leaves_a_scene_as_it_is() -> None:
    config = replace(
        preset("hard"),
        frames=50,
        camera=replace(preset("hard").camera, repeat_probability=1.0),
    )
    plain = render_scene(3, config, width=128, height=96)
    masked = render_scene(3, config, width=128, height=96, masks=True)
    assert plain.truth.skin_mask is None
    assert torch.equal(plain.frames, masked.frames)
    skin = masked.truth.skin_mask
    assert skin.shape == (50, 96, 128) and 0 <= skin.amin() and skin.amax() <= 1
    repeated = (masked.frames[1:] == masked.frames[:-1]).flatten(1).all(1)
    assert repeated.any() and (skin[1:] == skin[:-1])[repeated].all()
    assert not (skin[1:] == skin[:-1])[~repeated].flatten(1).all(1).any()
    at = (perfusion_map(3, config, scene=(128, 96)) > 0) <= (skin > 0)
    assert at.all()


def test_a_clip_is_made_again_from_its_manifest(tmp_path: Path) -> None:
    crops = replace(preset("hard"), frames=12, size=16)
    synthesize(tmp_path / "a", config=crops, clips=2, seed=3, format="npz")
    assert torch.equal(clip_again(tmp_path / "a", 4).frames, render(4, crops).frames)
    synthesize(tmp_path / "b", config=crops, clips=1, seed=3, format="ffv1", scene=(96, 64))
    again = clip_again(tmp_path / "b", 3).frames
    assert torch.equal(again, render_scene(3, crops, width=96, height=64).frames)
    with pytest.raises(InputError, match=r"have \[3, 4\]"):
        clip_again(tmp_path / "a", 5)
    with pytest.raises(InputError, match="no manifest"):
        clip_again(tmp_path, 3)
    assert config_of(asdict(crops)) == crops


# --- ranks ---


def first_seeds(rank: int, ranks: int, start: int = 0) -> list[float]:
    config = replace(SMALL, frames=2, size=8)
    data = SyntheticClips(config, base_seed=20, batch=2, rank=rank, ranks=ranks, start=start)
    source = iter(data)
    return [float(next(source)["frames"].sum()) for _ in range(4)]


def test_ranks_share_the_clips() -> None:
    alone = [*first_seeds(0, 1), *first_seeds(0, 1, start=4)]
    left, right = first_seeds(0, 2), first_seeds(1, 2)
    assert left == alone[:2] + alone[4:6] and right == alone[2:4] + alone[6:8]
    with pytest.raises(ParameterError, match="rank is 2 of 2"):
        first_seeds(2, 2)
    with pytest.raises(ParameterError, match="batch is 0"):
        SyntheticClips(SMALL, base_seed=0, batch=0)
