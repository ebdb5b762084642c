"""Exposure that drifts, frames that are missing, a frame that shakes: off as before, on by law."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch

from pulsephase.synthetic.config import CameraRanges, SynthConfig
from pulsephase.synthetic.draw import draw_clip
from pulsephase.synthetic.motion import framed
from pulsephase.synthetic.presets import PRESETS, preset
from pulsephase.synthetic.render import render, render_with_maps
from pulsephase.synthetic.scene import render_scene, stage
from pulsephase.synthetic.shade import prepare, surroundings
from pulsephase.synthetic.truth import perfusion_map, tracks_of

SMALL = replace(preset("full"), frames=60, size=36)


def with_camera(config: SynthConfig, **changes: object) -> SynthConfig:
    return replace(config, camera=replace(config.camera, **changes))


def test_no_preset_has_them() -> None:
    off = CameraRanges()
    assert (off.exposure_drift, off.drop_probability, off.shake_px) == (0.0, 0.0, (0.0, 0.0))
    for name, config in PRESETS.items():
        camera = config.camera
        found = (camera.exposure_drift, camera.drop_probability, camera.shake_px)
        assert found == (0.0, 0.0, (0.0, 0.0)), name


@pytest.mark.parametrize(
    ("changes", "kept"),
    [
        ({"exposure_drift": 0.3}, ("z", "pose", "light", "times")),
        ({"shake_px": (2.0, 2.0)}, ("z", "light", "times")),
        ({"drop_probability": 1.0}, ("maps", "noise")),
    ],
)
def test_each_has_a_stream_of_its_own(changes: dict, kept: tuple[str, ...]) -> None:
    first = draw_clip(7, SMALL, height=36, width=36)
    second = draw_clip(7, with_camera(SMALL, **changes), height=36, width=36)
    for name in (*kept, "maps", "noise"):
        before, after = (
            {
                "z": drawn.pulse.z,
                "pose": drawn.motion.pose,
                "light": drawn.light.tracks,
                "times": drawn.times_s,
                "maps": drawn.face.maps,
                "noise": torch.tensor([drawn.camera.noise, drawn.camera.gamma]),
            }[name]
            for drawn in (first, second)
        )
        assert torch.equal(before, after), name
    assert not torch.equal(render(7, SMALL).frames, render(7, with_camera(SMALL, **changes)).frames)


def test_a_drift_of_the_exposure_is_the_gain_of_the_light() -> None:
    """Two clips that differ by it alone have linear light in the ratio of its track."""
    plain = with_camera(
        replace(SMALL, codec=replace(SMALL.codec, probability=0.0)),
        noise=(1e-9, 1e-9),
        unquantised_probability=1.0,
        exposure=(0.2, 0.2),
        repeat_probability=0.0,
        fixed_gain=0.3,  # dark enough that nothing is clipped
    )
    drifting = with_camera(plain, exposure_drift=0.2)
    one, other = render(3, plain), render(3, drifting)
    track = tracks_of(draw_clip(3, drifting, height=36, width=36))["camera_gain_rgb"]
    track = track / tracks_of(draw_clip(3, plain, height=36, width=36))["camera_gain_rgb"]
    assert 0.2 * 0.02 < track.std() < 0.2 * 2 and other.truth is not None
    np.testing.assert_allclose(track[:, 0], track[:, 2], atol=1e-6)
    light = [clip.frames.double() ** clip.truth.parameters["gamma"] for clip in (one, other)]
    inside = (light[0] > 0.01) & (light[0] < 0.5)
    ratio = light[1] / light[0]
    for frame in range(len(track)):
        found = ratio[frame][inside[frame]]
        torch.testing.assert_close(
            found, torch.full_like(found, track[frame, 0]), rtol=1e-3, atol=0.0
        )
    depths = [
        draw_clip(seed, drifting, height=36, width=36).camera.exposure_drift for seed in range(200)
    ]
    assert 0.08 < np.mean(depths) < 0.12 and max(depths) <= 0.2  # uniform up to 0.2


def test_missing_frames_are_gaps_in_the_times() -> None:
    config = with_camera(replace(SMALL, frames=400), drop_probability=1.0)
    shares = []
    for seed in range(30):
        drawn = draw_clip(seed, config, height=36, width=36)
        steps = (drawn.times_s.diff() * config.sample_hz).numpy()
        np.testing.assert_allclose(steps, steps.round(), atol=1e-6)
        assert (steps > 0.5).all()
        np.testing.assert_array_equal(steps.round() - 1, drawn.missing[1:].numpy())
        shares.append((steps - 1).sum() / steps.sum())
    # each frame is missing with a probability drawn from 0.5 to 5 %: 2.75 % on average, whose
    # standard error over 30 clips of 400 frames is 0.28 points
    assert np.mean(shares) == pytest.approx(0.0275, abs=4 * 0.0028)
    clip = render(0, replace(config, frames=60))
    assert len(clip) == 60
    assert clip.truth.parameters["dropped_frames"] == pytest.approx(
        float(clip.times_s[-1]) * 30 - 59, abs=1e-6
    )


def test_with_jitter_as_well_the_times_still_rise() -> None:
    config = with_camera(SMALL, drop_probability=1.0, time_jitter=0.49)
    for seed in range(5):
        assert (draw_clip(seed, config, height=36, width=36).times_s.diff() > 0).all()


STILL = with_camera(
    replace(preset("naive"), frames=40, size=96),
    shake_px=(1.5, 1.5),
    unquantised_probability=1.0,
)


def shifts_of(frames: torch.Tensor) -> np.ndarray:
    """Return the shift of each frame against the first by registration, (time, 2) in px."""
    grey = frames.float().mean(1).numpy()
    grey = grey / grey.max()
    inside = np.zeros(grey.shape[1:], np.uint8)
    inside[6:-6, 6:-6] = 1  # what comes in at the edges was in no frame before
    steps, found = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 100, 1e-5), []
    for frame in grey:
        warp = np.eye(2, 3, dtype=np.float32)
        cv2.findTransformECC(grey[0], frame, warp, cv2.MOTION_TRANSLATION, steps, inside, 1)
        found.append(warp[:, 2].copy())
    return np.array(found)


def test_the_whole_frame_shakes_as_its_track_says() -> None:
    for make, height, where in (
        (render, 96, {}),
        (render_scene, 120, {"width": 160, "height": 120}),
    ):
        track = tracks_of(draw_clip(2, STILL, height=height, width=height))["shake_px"]
        assert np.abs(track).max() > 1
        found = shifts_of(make(2, STILL, **where).frames)
        np.testing.assert_allclose(found, track - track[0], atol=0.25)
    still = with_camera(STILL, shake_px=(0.0, 0.0))
    assert np.abs(shifts_of(render(2, still).frames)).max() < 0.25  # the head itself


def test_boxes_masks_and_perfusion_go_with_the_frame() -> None:
    still = with_camera(STILL, shake_px=(0.0, 0.0))
    one, other = render_with_maps(2, still), render_with_maps(2, STILL)
    track = torch.from_numpy(tracks_of(draw_clip(2, STILL, height=96, width=96))["shake_px"])
    torch.testing.assert_close(
        other.boxes[:, :2] - one.boxes[:, :2], track.float(), atol=1e-4, rtol=0
    )
    for maps in (other.truth.skin_mask, perfusion_map(2, STILL)):
        middles = []
        for frame in maps.double():
            total = frame.sum()
            rows, columns = frame.sum(1) / total, frame.sum(0) / total
            line = torch.arange(96, dtype=torch.float64)
            middles.append(torch.stack([columns @ line, rows @ line]))
        moved = torch.stack(middles) - middles[0]
        torch.testing.assert_close(moved, track - track[0], atol=0.5, rtol=0)


def test_what_is_behind_the_head_is_shifted_between_pixels() -> None:
    behind = torch.rand(3, 1, 12, 20, generator=torch.Generator().manual_seed(0))
    shake = torch.tensor([[2.0, 0.0, 0.25], [-1.0, 0.0, 0.5]], dtype=torch.float64)
    found = framed(behind, shake, slice(0, 3))
    rolled = behind[:, 0].roll((-1, 2), (1, 2))
    torch.testing.assert_close(found[:, 0, :-1, 2:], rolled[:, :-1, 2:], atol=1e-5, rtol=0)
    torch.testing.assert_close(found[:, 1], behind[:, 0], atol=1e-5, rtol=0)
    down = 0.5 * (behind[:, 0, :-1] + behind[:, 0, 1:])
    right = 0.25 * down[:, :, :-1] + 0.75 * down[:, :, 1:]
    torch.testing.assert_close(found[:, 2, 1:, 1:], right, atol=1e-5, rtol=0)
    assert framed(behind, None, slice(0, 3)) is behind


def test_the_wall_of_a_scene_moves_with_the_camera() -> None:
    seed = 4
    staged = prepare(stage(seed, STILL, height=120, width=160))
    part = slice(0, 40)
    moved = surroundings(staged, part) / staged.light[0, :, part].add(
        0.5 * staged.light[1, :, part]
    )
    torch.testing.assert_close(moved, framed(staged.behind, staged.drawn.shake, part))
    assert moved.diff(dim=1).abs().mean() > 1e-4
