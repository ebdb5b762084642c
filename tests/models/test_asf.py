"""The adaptive spatial filter and its control: masks that are masks, pooling that is a mean."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pulsephase.models.asf import (
    AdaptiveSpatialFilter,
    AveragePooling,
    spatial_softmax,
    velocity,
    weighted_sum,
)


def test_asf_masks_sum_to_one() -> None:
    asf = AdaptiveSpatialFilter(8, masks=2, stride=4)
    masks = asf.masks(torch.randn(3, 8, 9, 9), torch.rand(3, 3, 36, 36))
    torch.testing.assert_close(masks.sum((2, 3)), torch.ones(3, 2))
    assert (masks >= 0).all()


def test_asf_pools_a_constant_to_itself() -> None:
    asf = AdaptiveSpatialFilter(4, masks=1, stride=4)
    level = torch.tensor([1.0, -2.0, 0.5, 3.0])
    features = level[None, None, :, None, None].expand(1, 6, 4, 9, 9)
    pooled = asf(features, torch.rand(1, 6, 3, 36, 36))
    torch.testing.assert_close(pooled, level.expand(1, 6, 4))


def test_velocity_is_the_backward_difference_over_true_time() -> None:
    times = torch.tensor([0.0, 1.0, 1.5, 4.0])
    steps = torch.tensor([[1.0, 1.0, 0.5, 2.5]])
    position = 3 * times[None, :, None]
    found = velocity(position, steps, position[:, 0])
    torch.testing.assert_close(found[0, 1:, 0], torch.full((3,), 3.0))
    assert found[0, 0, 0] == 0


@given(seed=st.integers(0, 1000), scale=st.sampled_from([0.1, 1.0, 30.0]))
@settings(max_examples=25, deadline=None)
def test_pooling_does_not_care_where_the_pixels_are(seed: int, scale: float) -> None:
    """Permute the pixels together with the mask: the mask goes along, the position stays."""
    generator = torch.Generator().manual_seed(seed)
    features = torch.randn(3, 5, 4, 6, generator=generator, dtype=torch.float64)
    logits = scale * torch.randn(3, 2, 4, 6, generator=generator, dtype=torch.float64)
    order = torch.randperm(24, generator=generator)

    def permuted(maps: torch.Tensor) -> torch.Tensor:
        return maps.flatten(2)[:, :, order].view_as(maps)

    masks = spatial_softmax(logits)
    moved = spatial_softmax(permuted(logits))
    torch.testing.assert_close(moved, permuted(masks), rtol=1e-12, atol=0)
    torch.testing.assert_close(
        weighted_sum(permuted(features), moved), weighted_sum(features, masks), rtol=0, atol=1e-12
    )
    torch.testing.assert_close(masks.sum((2, 3)), torch.ones(3, 2, dtype=torch.float64))


def test_logits_of_the_features_follow_their_pixels() -> None:
    """The part of the mask that comes from the features is pointwise: the whole is equivariant."""
    torch.manual_seed(0)
    asf = AdaptiveSpatialFilter(4, masks=2, stride=1).double()
    features = torch.randn(1, 4, 5, 5, dtype=torch.float64)
    flat = torch.full((1, 3, 5, 5), 0.5, dtype=torch.float64)  # a face without any look
    with torch.no_grad():
        asf.from_look.weight.zero_()
        masks = asf.masks(features, flat)
        turned = asf.masks(features.flip(2).transpose(2, 3), flat)
    torch.testing.assert_close(turned, masks.flip(2).transpose(2, 3), rtol=1e-12, atol=0)


def test_a_certain_mask_reads_one_pixel() -> None:
    features = torch.randn(1, 4, 3, 3)
    logits = torch.zeros(1, 1, 3, 3)
    logits[0, 0, 1, 2] = 200.0
    found = weighted_sum(features, spatial_softmax(logits))[0, 0]
    assert torch.equal(found, features[0, :, 1, 2])


def test_the_control_is_the_plain_mean() -> None:
    features, looks = torch.randn(2, 3, 4, 5, 6), torch.rand(2, 3, 3, 10, 12)
    found = AveragePooling()(features, looks)
    torch.testing.assert_close(found, features.flatten(3).mean(3))
    masks = AveragePooling().masks(features.flatten(0, 1), looks.flatten(0, 1))
    assert masks.shape == (6, 1, 5, 6)
    torch.testing.assert_close(masks.sum((2, 3)), torch.ones(6, 1))
    assert not list(AveragePooling().parameters())
