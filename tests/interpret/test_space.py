"""Where a network looks: against maps whose answer is known, and attributions that add up."""

import builtins
import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from networks import SETTINGS, SMALL, small

from pulsephase.errors import MissingExtraError
from pulsephase.interpret import space
from pulsephase.interpret.attribution import (
    integrated_map,
    kept_share,
    light,
    occlusion_map,
    stilled,
)
from pulsephase.interpret.context import QUICK, Context, skin_of, synthetic_context
from pulsephase.interpret.space import mixing_table, sources
from pulsephase.interpret.subject import Foreign, network_of
from pulsephase.models.mixers import mixer, swap_grid, swap_within
from pulsephase.models.phasenet import PhaseNet

BUDGET = replace(QUICK, clips=2, frames=70)


def patch_mean(*, rows: slice, columns: slice, size: int = 12) -> Foreign:
    """Return a network that reads green in one patch alone."""

    def function(frames: torch.Tensor) -> torch.Tensor:
        return frames[:, :, 1, rows, columns].mean((2, 3))

    return Foreign(function=function, name="patch", size=size, sample_hz=30.0)


def noisy(size: int = 12, time: int = 50) -> torch.Tensor:
    rng = torch.Generator().manual_seed(0)
    still = 0.1 + 0.8 * torch.rand(1, 1, 3, size, size, generator=rng, dtype=torch.float64)
    return still + 0.01 * torch.randn(1, time, 3, size, size, generator=rng, dtype=torch.float64)


def test_occlusion_and_integrated_gradients_find_the_patch_that_is_read() -> None:
    subject, frames = patch_mean(rows=slice(4, 8), columns=slice(8, 12)), noisy()
    expected = np.zeros((3, 3))
    expected[1, 2] = 1.0
    lost = occlusion_map(subject, frames, tiles=3)
    carried, missing = integrated_map(subject, frames, tiles=3, steps=4)
    np.testing.assert_allclose(lost, expected, atol=1e-9)  # linear: all of the wave is there
    np.testing.assert_allclose(carried, expected, atol=1e-9)
    assert missing < 1e-9


def test_integrated_gradients_add_up_on_a_network_that_is_not_linear() -> None:
    subject, frames = network_of(small("head=gated"), name="small"), noisy()
    kept = kept_share(subject, frames)
    with torch.no_grad():
        both = float(kept(frames)[0]), float(kept(stilled(frames))[0])
    carried, missing = integrated_map(subject, frames, tiles=3, steps=60)
    assert both[0] == pytest.approx(1.0, abs=1e-9)
    assert carried.sum() == pytest.approx(both[0] - both[1], abs=0.02)
    assert missing < 0.02


def test_a_still_tile_is_not_an_edge() -> None:
    frames = noisy()
    still = stilled(frames)
    assert still.shape == frames.shape
    torch.testing.assert_close(still.mean(1), frames.mean(1))
    assert float(still.std(1).max()) < 1e-12


def test_single_precision_is_the_same_network() -> None:
    subject, frames = network_of(small("head=gated"), name="small"), noisy()
    quick = light(subject)
    assert quick.dtype is torch.float32
    wave = subject(frames)
    torch.testing.assert_close(quick(frames.float()).double(), wave, atol=1e-4, rtol=1e-3)
    assert next(iter(subject.net.parameters())).dtype is torch.float64


def test_without_captum_the_attributions_are_withheld(monkeypatch: pytest.MonkeyPatch) -> None:
    true_import = builtins.__import__

    def without(name: str, *rest: Any, **options: Any) -> Any:
        if name.startswith("captum"):
            raise ImportError(name)
        return true_import(name, *rest, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    subject, frames = patch_mean(rows=slice(0, 4), columns=slice(0, 4)), noisy()
    with pytest.raises(MissingExtraError, match=r"pulsephase\[interpret\]"):
        occlusion_map(subject, frames, tiles=3)
    context = synthetic_context(subject, budget=BUDGET)
    assert "pulsephase[interpret]" in space.section(context)["attributions"]["withheld"]


def test_auc_is_that_of_chance_for_an_even_mask_and_one_for_the_skin_itself() -> None:
    rng = np.random.default_rng(0)
    skin = (rng.random((4, 6, 6)) > 0.5).astype(float)
    even = np.full((4, 1, 6, 6), 1 / 36)
    exact = (skin / skin.sum((1, 2), keepdims=True))[:, None]
    opposite = ((1 - skin) / (1 - skin).sum((1, 2), keepdims=True))[:, None]
    found = space.scores(np.concatenate([even, exact, opposite], 1), skin)
    assert found["auc_skin"] == [0.5, 1.0, 0.0]
    np.testing.assert_allclose(found["share_on_skin"], [skin.mean(), 1.0, 0.0])
    np.testing.assert_allclose(found["overlap"][1:], [1.0, 0.0], atol=1e-12)
    assert found["even_share_on_skin"][0] == pytest.approx(skin.mean())


def test_auc_is_the_share_of_pairs_in_the_right_order() -> None:
    rng = np.random.default_rng(1)
    values, inside = rng.integers(0, 5, 40).astype(float), rng.random(40) > 0.6
    pairs = values[inside][:, None] - values[~inside]
    assert space.auc(values[None], inside[None]) == pytest.approx(
        ((pairs > 0) + 0.5 * (pairs == 0)).mean()
    )


@pytest.mark.parametrize("name", ["within", "grid", "roll", "permutation", "identity", "shuffle"])
def test_the_sources_are_what_the_mixer_does_to_a_map(name: Any) -> None:
    part = mixer(name, channels=8, fraction=0.5, block=2, size=6, seed=3)
    maps = torch.randn(1, 8, 6, 6, generator=torch.Generator().manual_seed(0))
    if name == "shuffle":  # moves channels, not pixels
        assert sources(part, 6).tolist() == np.arange(36).reshape(6, 6).tolist()
        return
    gathered = maps[0, 4:].flatten(1)[:, sources(part, 6).ravel()].view(4, 6, 6)
    torch.testing.assert_close(part(maps)[0, 4:], gathered)
    torch.testing.assert_close(part(maps)[0, :4], maps[0, :4])


def test_distances_are_of_the_swap_in_closed_form() -> None:
    """Within b = 2, half of the cells swap, each over the tile's diagonal."""
    rows = mixing_table(PhaseNet(SETTINGS["mixer=within"]))
    assert [row["side"] for row in rows] == [6, 6]
    assert rows[0]["share_moved"] == 0.5
    assert rows[0]["largest_distance"] == pytest.approx(np.sqrt(2) / 6)
    assert rows[0]["channels_mixed"] == 4
    grid = torch.arange(36.0).view(1, 1, 6, 6)
    assert not torch.equal(swap_within(grid, 2), swap_grid(grid, 2))


def test_the_section_of_a_phasenet_is_plain_data_against_truth() -> None:
    context = synthetic_context(network_of(small("head=gated"), name="small"), budget=BUDGET)
    found = space.section(context)
    json.dumps(found, allow_nan=False)
    masks = found["masks"]
    assert len(masks["clips"]) == 2
    for row, clip in zip(masks["clips"], context.clips, strict=True):
        np.testing.assert_allclose(np.sum(row["mask"], (1, 2)), 1.0, atol=1e-4)
        assert np.array(row["skin"]).mean() == pytest.approx(float(skin_of(clip).mean()), abs=0.05)
        assert np.array(row["perfusion"])[np.array(row["skin"]) == 0].max(initial=0) < 1e-6
    assert len(masks["random_weights"]["random_auc_skin"]) == space.RANDOM_DRAWS
    assert 0 <= masks["random_weights"]["own_auc_skin"] <= 1
    assert "AUC" in found["claim"]
    (row,) = found["attributions"]["clips"]
    assert set(row["auc_skin"]) == {"occlusion", "integrated_gradients"}
    assert -1 <= row["agreement"] <= 1


def test_clips_without_truth_show_masks_and_score_nothing() -> None:
    subject = network_of(small("head=gated"), name="small")
    known = synthetic_context(subject, budget=BUDGET)
    unknown = tuple(replace(clip, truth=None, pulse=None) for clip in known.clips)
    found = space.section(Context(subject=subject, clips=unknown, budget=BUDGET))
    assert "mean" not in found["masks"] and "not known" in found["masks"]["withheld"]
    assert len(found["masks"]["clips"]) == 2
    assert "auc_skin" not in found["attributions"]["clips"][0]


@pytest.mark.parametrize("kind", ["average", "foreign"])
def test_what_has_no_masks_says_so(kind: str) -> None:
    if kind == "average":
        subject: Any = network_of(small("pooling=average"), name="average")
    else:
        subject = patch_mean(rows=slice(0, 4), columns=slice(0, 4), size=SMALL.size)
    found = space.section(synthetic_context(subject, budget=BUDGET))
    assert "withheld" in found["masks"]
    assert "not judged" in found["claim"]
    assert len(found["attributions"]["clips"]) == 1


def test_a_wave_that_does_not_move_is_attributed_to_nothing() -> None:
    flat = Foreign(
        function=lambda x: 0 * x.mean((2, 3, 4)), name="flat", size=SMALL.size, sample_hz=30.0
    )
    found = space.section(synthetic_context(flat, budget=BUDGET))
    assert "does not move" in found["attributions"]["withheld"]
