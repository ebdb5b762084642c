"""Planted energy is where the mask is, of the size that was asked for, and the same every time.

The footage is the generator's own: a face without a pulse, so that all that pulses was planted.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from pulsephase.errors import ParameterError
from pulsephase.synthetic.coded import codec_variants, to_and_fro
from pulsephase.synthetic.footage import (
    CACHE_MARGIN,
    SIZE,
    FootageEntry,
    averaged,
    cache_clip,
    cached_footage,
    halved,
    person_of,
)
from pulsephase.synthetic.plant import (
    PLANT_PRESETS,
    PlantRanges,
    draw_planting,
    maps_of,
    plant,
    plant_preset,
    waves_at,
)
from pulsephase.synthetic.planted_clip import AS_IT_IS, CropRanges, Planter
from pulsephase.synthetic.planted_video import PixelPlanter
from pulsephase.synthetic.presets import preset
from pulsephase.synthetic.pulse import wave_at
from pulsephase.synthetic.scene import scene_clips
from pulsephase.synthetic.write import write_video
from pulsephase.video.clip import Box
from pulsephase.video.skin import SkinMask, SkinPatch

TIMES_S = np.arange(240) / 30.0
STRONG = plant_preset("plant-strong")


def no_own(colour: NDArray[np.float64], times_s: NDArray[np.float64]) -> None:
    """Say that there is no pulse already."""


@pytest.fixture(scope="module")
def footage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a video of a face without a pulse, 7 s."""
    path = tmp_path_factory.mktemp("footage") / "p01_still.mkv"
    config = replace(preset("easy", seconds=7.0), no_pulse_probability=1.0)
    write_video(path, scene_clips(3, config, width=320, height=240), format="ffv1")
    return path


@pytest.fixture(scope="module")
def cache(footage: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cache")
    for person in ("p01", "p02"):
        cache_clip(footage, folder, person=person, own=no_own, name=f"{person}_still")
    return folder


@pytest.fixture
def entries(cache: Path) -> Iterator[tuple[FootageEntry, ...]]:
    yield tuple(cached_footage(cache))


def crops(**changes: object) -> CropRanges:
    return replace(AS_IT_IS, **changes)  # type: ignore[arg-type]


def grey(time: int = 240, side: int = 16) -> NDArray[np.float32]:
    return np.full((time, 3, side, side), 0.5, np.float32)


@pytest.mark.parametrize("seed", range(3))
def test_the_mean_of_the_maps_over_the_face_is_one_and_without_delay(seed: int) -> None:
    planting = draw_planting(seed, STRONG, TIMES_S)
    disc = np.linspace(-1, 1, 41)
    inside = np.hypot(disc[None], disc[:, None]) <= 1
    maps = maps_of(planting, 0.9 * disc, 1.15 * disc)[:, inside]
    assert maps.sum(0).mean() == pytest.approx(1, abs=0.02)
    late = (planting.lags_s @ maps).mean()
    assert abs(late) < 0.001
    assert 0 < np.ptp(planting.lags_s @ (maps / maps.sum(0))) <= planting.delay_s + 1e-9


@pytest.mark.parametrize("seed", range(4))
def test_projecting_on_the_direction_recovers_amplitude_and_direction(seed: int) -> None:
    planting = draw_planting(seed, replace(STRONG, delay_s=(0.0, 0.0)), TIMES_S)
    places = np.linspace(-0.8, 0.8, 16)
    maps = maps_of(planting, places, places)
    planted = plant(grey(), np.ones((240, 1, 16, 16), np.float32), planting, TIMES_S, maps)
    change = np.log(planted.astype(np.float64)).mean((2, 3))
    z = planting.pulse.z.numpy()
    found = -(z @ change) / (z @ z) / maps.sum(0).mean()
    assert found[1] == pytest.approx(planting.amplitude, rel=0.05)
    assert found / found[1] == pytest.approx(planting.direction, rel=0.05)


def test_planted_energy_is_where_the_mask_is() -> None:
    planting = draw_planting(1, STRONG, TIMES_S)
    places = np.linspace(-1, 1, 16)
    mask = np.zeros((240, 1, 16, 16), np.float32)
    mask[:, :, 4:12, 5:9] = 0.7
    planted = plant(grey(), mask, planting, TIMES_S, maps_of(planting, places, places))
    energy = (planted - grey()).std(0)
    assert (energy[:, mask[0, 0] == 0] == 0).all()
    assert (energy[:, mask[0, 0] > 0] > 0).all()


def test_delays_between_levels_are_delays() -> None:
    planting = draw_planting(2, replace(STRONG, delay_s=(0.04, 0.04)), TIMES_S)
    levels = waves_at(planting, TIMES_S)
    middle = (levels[:, 1] + levels[:, 2]) / 2
    lag_s = planting.lags_s[1:3].mean()
    true = wave_at(planting.pulse, torch.from_numpy(TIMES_S - lag_s))[0].numpy()
    # a kick bends the wave sharply: at its corner alone the line is off
    assert np.sqrt(((middle - true) ** 2).mean()) < 0.03 * true.std()


def test_rates_keep_away_from_the_pulse_that_is_there() -> None:
    for seed in range(60):
        pulse = draw_planting(seed, PlantRanges(), TIMES_S, own_bpm=80.0).pulse
        mean = 60 * (len(pulse.beat_times_s) - 1) / float(np.ptp(pulse.beat_times_s.numpy()))
        assert all(abs(mean - other) > 2 for other in (40.0, 80.0, 160.0))


def test_the_null_plants_nothing() -> None:
    planting = draw_planting(5, PLANT_PRESETS["plant-null"], TIMES_S)
    places = np.linspace(-1, 1, 16)
    maps = maps_of(planting, places, places)
    planted = plant(grey(), np.ones((240, 1, 16, 16), np.float32), planting, TIMES_S, maps)
    assert not planting.alive and (planted == grey()).all()


@pytest.mark.parametrize(
    "wrong",
    [
        {"amplitude": (0.0, 0.1)},
        {"amplitude": (0.01, 0.005)},
        {"delay_s": (0.0, 1.0)},
        {"direction": (1.0, float("nan"), 0.0)},
        {"direction_spread": 2.0},
        {"no_pulse_probability": 1.5},
        {"away_bpm": 90.0},
    ],
)
def test_ranges_that_cannot_be_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ParameterError):
        PlantRanges(**wrong)  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="plant-full"):
        plant_preset("plant-none")


def face(seed: int) -> tuple[NDArray[np.uint8], Box, SkinPatch]:
    """Return a picture with texture, a box in it, and a mask with a soft edge."""
    draw = np.random.default_rng(seed)
    coarse = draw.integers(60, 200, (12, 16, 3)).astype(np.uint8)
    image = cv2.resize(coarse, (320, 240), interpolation=cv2.INTER_CUBIC)
    box = (100.3, 60.7, 110.0, 121.0)
    places = SkinMask().update(image, box, 0.0)
    soft = cv2.GaussianBlur(draw.random(places.mask.shape).astype(np.float32), (0, 0), 5)
    return image, box, SkinPatch(places.left, places.top, np.asarray(soft / soft.max()))


def test_planting_in_the_cache_is_planting_in_the_frames_to_first_order() -> None:
    planting = draw_planting(7, replace(STRONG, delay_s=(0.04, 0.04)), TIMES_S)
    image, box, patch = face(0)
    planter = PixelPlanter(planting, seed=0)
    places = (np.arange(SIZE) + 0.5) / SIZE * 2 - 1
    maps = maps_of(planting, places * CACHE_MARGIN, places * CACHE_MARGIN)
    cells, share, _ = averaged(image, box, patch)
    for time_s in (0.3, 0.55, 1.2):
        lost = planter.change(box, patch, time_s)[..., None]
        there = image.astype(np.float32)
        patch.of(there)[:] *= 1 - planting.direction * lost  # type: ignore[arg-type]
        true = averaged_float(there, box)
        law = plant(cells[None], share[None], planting, np.array([time_s]), maps)[0]
        assert np.abs(law - true).max() < 0.02 * np.abs(true - cells).max()


def averaged_float(image: NDArray[np.float32], box: Box) -> NDArray[np.float32]:
    from pulsephase.video.crops import crop

    return crop(image / 255, box, size=SIZE, margin=CACHE_MARGIN)


def test_dithered_pixels_hold_the_change_in_their_mean() -> None:
    planting = draw_planting(7, replace(PlantRanges(), amplitude=(2e-3, 2e-3)), TIMES_S)
    image = np.full((240, 320, 3), 117, np.uint8)
    box = (100.0, 60.0, 110.0, 121.0)
    patch = SkinPatch(80, 40, np.ones((160, 150), np.float32))
    planter = PixelPlanter(planting, seed=3)
    planted = planter.plant(image, box, patch, 0.4)
    wanted = 117 * planting.direction * planter.change(box, patch, 0.4).mean()
    found = (image.astype(float) - planted)[40:200, 80:230].mean((0, 1))
    assert found == pytest.approx(wanted, abs=4 * 0.5 / np.sqrt(160 * 150))
    outside = np.ones((240, 320), bool)
    outside[40:200, 80:230] = False
    assert (planted[outside] == image[outside]).all()


def test_a_clip_is_a_function_of_its_number(entries: tuple[FootageEntry, ...]) -> None:
    planter = Planter(entries=entries, size=36, frames=200, sample_hz=30.0)
    for seed in (0, 5):
        one, two = planter.clip(seed), planter.clip(seed)
        assert (one.frames == two.frames).all() and (one.pulse == two.pulse).all()
        assert one.frames.shape == (200, 3, 36, 36) and one.counts.all()
        assert one.frames.dtype == np.float32 and one.pulse.std() == pytest.approx(1, abs=0.2)
    assert not np.array_equal(planter.clip(0).pulse, planter.clip(5).pulse)


@pytest.mark.parametrize("size", [36, 72])
def test_what_is_planted_in_footage_is_read_back(
    size: int, entries: tuple[FootageEntry, ...]
) -> None:
    ranges = replace(STRONG, delay_s=(0.0, 0.0), perfusion=(0.0, 0.0))
    planter = Planter(
        entries=entries,
        size=size,
        frames=200,
        sample_hz=30.0,
        ranges=ranges,
        crops=crops(),
        keep_colour=True,
    )
    clip = planter.clip(11)
    seen, clean = np.log(clip.colour)
    assert clip.alive
    z = clip.pulse.astype(np.float64)
    z -= z.mean()
    found = -(z @ (seen - clean)) / (z @ z)
    # the mask's mean is of soft edges too, which hold their share of it
    assert found / found[1] == pytest.approx(clip.direction, rel=0.05)
    assert 0.6 < found[1] / clip.amplitude < 1.1


def test_a_mirror_and_time_change_only_what_is_seen(entries: tuple[FootageEntry, ...]) -> None:
    plain = Planter(entries=entries, size=36, frames=60, sample_hz=30.0, crops=crops())
    turned = replace(plain, crops=crops(mirror_probability=1.0))
    one, two = plain.clip(4), turned.clip(4)
    assert np.array_equal(one.pulse, two.pulse)
    noise = np.abs(one.frames - two.frames[..., ::-1]).mean()
    assert noise < 0.01 * np.abs(one.frames - two.frames).mean() + 0.01


def test_footage_that_is_too_short_goes_to_and_fro(entries: tuple[FootageEntry, ...]) -> None:
    long = Planter(entries=entries, size=36, frames=700, sample_hz=30.0, crops=crops())
    assert long.clip(0).counts.all()
    order, shown_s = to_and_fro(np.arange(10) / 10, lasts_s=2.0)
    assert order.tolist()[:12] == [*range(10), 8, 7] and (np.diff(shown_s) > 0).all()
    assert shown_s[-1] == pytest.approx(2.0)


def test_half_cells_are_means_of_four() -> None:
    cells = np.random.default_rng(0).random((3, 8, 8)).astype(np.float32)
    assert halved(cells)[1, 2, 3] == pytest.approx(cells[1, 4:6, 6:8].mean())


def test_a_crop_beyond_the_cache_is_refused() -> None:
    with pytest.raises(ParameterError, match="cached"):
        CropRanges(scale=(0.9, 1.3))
    with pytest.raises(ParameterError, match="no footage"):
        Planter(entries=(), size=36, frames=10, sample_hz=30.0)


def test_a_pulse_that_went_through_a_codec_keeps_its_label(
    footage: Path, cache: Path, tmp_path: Path
) -> None:
    entry = cached_footage(cache)[0]
    strong = replace(STRONG, amplitude=(0.02, 0.02), delay_s=(0.0, 0.0))
    made = codec_variants(footage, entry, tmp_path, seeds=(1, 2), ranges=strong, own=no_own)
    assert [each.person for each in made] == ["p01", "p01"]
    assert not list(tmp_path.glob(".*"))
    for each in made:
        clip = Planter(
            entries=(each,), size=36, frames=200, sample_hz=30.0, crops=crops(), keep_colour=True
        ).clip(0)
        green = np.log(clip.colour[0][:, 1])
        slow = np.polyval(np.polyfit(np.arange(200), green, 3), np.arange(200))
        assert np.corrcoef(clip.pulse, slow - green)[0, 1] > 0.9
        assert clip.alive and clip.counts.all()


def test_nobody_is_in_two_splits(cache: Path) -> None:
    from pulsephase.models.config import TINY
    from pulsephase.training.config import PlantedSource
    from pulsephase.training.planted import planted

    source = PlantedSource(cache=str(cache), training="p01", validation="rest")
    made = planted(source, network=TINY, frames=100, seed=0)
    assert made.persons == {"training": ["p01"], "validation": ["p02"]}
    assert made.holds_out and len(made.held_out(3)) == 3
    names = {str(made.training(index)["name"]).split()[2] for index in range(4)}
    assert names == {"p01_still"}
    for wrong in ("p01,p02", "p09"):
        with pytest.raises(ParameterError):
            planted(replace(source, validation=wrong), network=TINY, frames=100, seed=0)
    assert person_of("p07_portrait.mp4") == "p07"
