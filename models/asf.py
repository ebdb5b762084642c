"""Adaptive Spatial Filter (ASF): weigh the skin in each frame, then read position and velocity.

Global average pooling stands beside it as the control.
"""

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional


def spatial_softmax(
    logits: Float[Tensor, "frames mask height width"],
) -> Float[Tensor, "frames mask height width"]:
    """Return masks that sum to one over the pixels of each frame."""
    masks: Tensor = logits.flatten(2).softmax(2).view_as(logits)
    return masks


def weighted_sum(
    features: Float[Tensor, "frames channel height width"],
    masks: Float[Tensor, "frames mask height width"],
) -> Float[Tensor, "frames mask channel"]:
    """Return each channel's mean under each mask."""
    return torch.bmm(masks.flatten(2), features.flatten(2).transpose(1, 2))


@final
class AdaptiveSpatialFilter(nn.Module):
    r"""Pool feature maps under a softmax mask, frame by frame.

    .. math:: m_t = \operatorname{softmax}_p(a_t + b_t), \quad
              x_t = \sum_p m_t(p) f_t(p), \quad
              v_t = (x_t - x_{t-1}) / \Delta_t

    The logits come from the features (:math:`a`) and from the look of the running mean face
    (:math:`b`), standardised over the pixels of that frame: after normalisation the features
    themselves no longer know what is skin.
    """

    def __init__(self, channels: int, *, masks: int, looks: int = 12, stride: int) -> None:
        super().__init__()
        self.from_features = nn.Conv2d(channels, masks, 1)
        self.look = nn.Conv2d(3, looks, stride, stride=stride)
        self.from_look = nn.Conv2d(looks, masks, 3, padding=1)

    def masks(
        self,
        features: Float[Tensor, "frames channel height width"],
        appearance: Float[Tensor, "frames 3 height_in width_in"],
    ) -> Float[Tensor, "frames mask height width"]:
        """Return the masks; each sums to one over its pixels."""
        spread, middle = torch.std_mean(appearance, dim=(2, 3), keepdim=True)
        look = functional.elu(self.look((appearance - middle) / (spread + 1e-3)))
        logits = self.from_features(features) + self.from_look(look)
        return spatial_softmax(logits)

    def forward(
        self,
        features: Float[Tensor, "batch time channel height width"],
        appearance: Float[Tensor, "batch time 3 height_in width_in"],
    ) -> Float[Tensor, "batch time position"]:
        """Return the pooled position: ``masks x channel`` numbers a frame."""
        frames = features.flatten(0, 1)
        masks = self.masks(frames, appearance.flatten(0, 1))
        return weighted_sum(frames, masks).view(*features.shape[:2], -1)


@final
class AveragePooling(nn.Module):
    """Control: every pixel weighs the same."""

    def masks(
        self,
        features: Float[Tensor, "frames channel height width"],
        appearance: Float[Tensor, "frames 3 height_in width_in"],
    ) -> Float[Tensor, "frames 1 height width"]:
        """Return one uniform mask, for looking at."""
        return torch.full_like(features[:, :1], 1 / features[0, 0].numel())

    def forward(
        self,
        features: Float[Tensor, "batch time channel height width"],
        appearance: Float[Tensor, "batch time 3 height_in width_in"],
    ) -> Float[Tensor, "batch time channel"]:
        """Return the mean of each channel over the frame."""
        return features.mean((3, 4))


def velocity(
    position: Float[Tensor, "batch time position"],
    frame_steps: Float[Tensor, "batch time"],
    last: Float[Tensor, "batch position"],
) -> Float[Tensor, "batch time position"]:
    """Return the backward difference over the true time step, in units per frame."""
    past = torch.cat([last[:, None], position[:, :-1]], 1)
    return (position - past) / frame_steps[..., None]
