"""All that is known of a clip, from its file alone."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.linalg import expm

from pulsephase.synthetic.draw import draw_clip
from pulsephase.synthetic.folder import synthesize
from pulsephase.synthetic.presets import preset
from pulsephase.synthetic.render import render_with_maps
from pulsephase.synthetic.truth import perfusion_map

CONFIG = replace(preset("full"), frames=90, size=16)
FORMS = ("mp4", "ffv1", "npz", "ubfc", "pure", "scamps")


def truth_of(folder: Path, form: str, seed: int) -> dict[str, np.ndarray]:
    name = f"clip_{seed:09d}{'' if form == 'npz' else '_truth'}.npz"
    with np.load(folder / name) as arrays:
        return dict(arrays)


def parameters_of(truth: dict[str, np.ndarray]) -> dict[str, float]:
    names, values = truth["parameter_names"].tolist(), truth["parameter_values"].tolist()
    return dict(zip(names, values, strict=True))


def integrated(truth: dict[str, np.ndarray]) -> np.ndarray:
    """Follow z and its velocity from impulse to impulse by matrix exponentials: no closed form."""
    known = parameters_of(truth)
    alpha, omega = known["alpha_per_s"], known["omega_rad_per_s"]
    system = np.array([[0.0, 1.0], [-(omega**2), -alpha]])
    kicks = sorted(zip(truth["forcing_times_s"], truth["forcing"], strict=True))
    state, at, out = np.zeros(2), kicks[0][0], []
    for time_s in truth["time_s"]:
        while kicks and kicks[0][0] <= time_s:
            kick_s, weight = kicks.pop(0)
            state = expm(system * (kick_s - at)) @ state + [0.0, weight]
            at = kick_s
        state, at = expm(system * (time_s - at)) @ state, time_s
        out.append(state)
    return np.array(out)


@pytest.mark.parametrize("form", FORMS)
def test_the_oscillator_can_be_checked_from_a_file_alone(form: str, tmp_path: Path) -> None:
    if form == "scamps":
        pytest.importorskip("h5py")
    synthesize(tmp_path, config=CONFIG, clips=1, seed=8, format=form)
    truth = truth_of(tmp_path, form, 8)
    known, found = parameters_of(truth), integrated(truth)
    assert known["forcing_hold"] == 0
    np.testing.assert_allclose(truth["pulse"] + known["pulse_mean"], found[:, 0], atol=1e-5)
    np.testing.assert_allclose(truth["pulse_velocity_per_s"], found[:, 1], atol=1e-8)
    residue = (
        truth["pulse_acceleration_per_s2"]
        + known["alpha_per_s"] * truth["pulse_velocity_per_s"]
        + known["omega_rad_per_s"] ** 2 * (truth["pulse"] + known["pulse_mean"])
    )
    assert np.abs(residue).max() < 1e-3  # of hundreds; the pulse is in single precision
    assert ("frames" in truth) == (form == "npz")


def test_the_file_beside_a_video_belongs_to_the_clip(tmp_path: Path) -> None:
    manifest = synthesize(tmp_path, config=CONFIG, clips=1, seed=8, format="ffv1")
    truth = tmp_path / "clip_000000008_truth.npz"
    assert list(manifest["clips"][0]["sha256"])[-1] == truth.name
    before = truth.read_bytes()
    truth.write_bytes(b"damaged")
    synthesize(tmp_path, config=CONFIG, clips=1, seed=8, format="ffv1")
    assert truth.read_bytes() == before


@pytest.mark.parametrize(("form", "scene"), [("npz", None), ("ffv1", (96, 64)), ("ubfc", None)])
def test_maps_are_kept_where_they_are_asked_for(
    form: str, scene: tuple[int, int] | None, tmp_path: Path
) -> None:
    config = replace(CONFIG, frames=12)
    synthesize(tmp_path / "bare", config=config, clips=1, seed=8, format=form, scene=scene)
    assert "skin_mask" not in truth_of(tmp_path / "bare", form, 8)
    synthesize(tmp_path / "a", config=config, clips=1, seed=8, format=form, scene=scene, maps=True)
    truth = truth_of(tmp_path / "a", form, 8)
    perfusion = perfusion_map(8, config, scene=scene)
    np.testing.assert_array_equal(truth["perfusion"], perfusion.half().numpy())
    assert truth["skin_mask"].shape == perfusion.shape
    assert np.abs(truth["perfusion"][truth["skin_mask"] == 0]).max(initial=0) < 1e-6
    if scene is None:
        masks = render_with_maps(8, config).truth.skin_mask
        np.testing.assert_array_equal(truth["skin_mask"], masks.half().numpy())


def test_without_a_pulse_a_fifth_of_the_heads_still_bobs_with_it() -> None:
    """As the page on the generator says of `null`."""
    config = replace(preset("null"), frames=8)
    drawn = [draw_clip(seed, config, height=8, width=8) for seed in range(200)]
    assert not any(each.alive for each in drawn)
    assert 0.12 < np.mean([each.motion.bob > 0 for each in drawn]) < 0.28  # 20 %, 3 errors


def test_parameters_tell_what_was_drawn(tmp_path: Path) -> None:
    camera = replace(CONFIG.camera, repeat_probability=1.0)
    config = replace(CONFIG, camera=camera)
    seed = next(
        seed
        for seed in range(50)
        if render_with_maps(seed, config).truth.parameters["repeated_frames"]
    )
    synthesize(tmp_path, config=config, clips=1, seed=seed, format="npz")
    truth = truth_of(tmp_path, "npz", seed)
    known = parameters_of(truth)
    repeated = truth["repeated_frames"].astype(int)
    assert known["repeated_frames"] == len(repeated) > 0
    frames = torch.from_numpy(truth["frames"])
    assert torch.equal(frames[repeated], frames[repeated - 1])
    assert config.camera.exposure[0] <= known["exposure"] <= config.camera.exposure[1]
    assert known["direction_green"] == pytest.approx(-1)
    matrix = truth["colour_matrix"]
    np.testing.assert_allclose(matrix.sum(1), 1, atol=1e-6)
    np.testing.assert_allclose(np.diag(matrix), 1 + known["crosstalk"], atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(truth["lamps_towards"], axis=1), 1)
    light = truth["light_rgb"]
    assert light.shape == (len(frames), 3, 3)
    assert all(np.isfinite(value) for value in known.values())
