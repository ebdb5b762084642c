"""EST block: pointwise, ZAS, depthwise in space, causal depthwise in time, projection, pooling.

Squeeze-excitation, where it is asked for, weighs the channels by their mean over one frame: over a
clip it would see the future.
"""

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from pulsephase.models.mixers import PartialMixer

SQUEEZE = 4  # channels a hidden unit of squeeze-excitation; our choice


@final
class CausalDepthwise(nn.Module):
    r"""Filter each channel of each pixel in time with its own taps.

    .. math:: y_t = \sum_{j<k} w_j\, x_{t-j}

    A sum of shifted maps: faster on a CPU than a grouped 3-D convolution, and the same numbers.
    """

    def __init__(self, channels: int, *, kernel: int = 3) -> None:
        super().__init__()
        weight = torch.zeros(kernel, channels)
        weight[0] = 1.0  # the present frame: the block starts as a spatial one
        self.weight = nn.Parameter(weight + 0.1 * torch.randn(kernel, channels))
        self.past = kernel - 1

    def forward(
        self,
        x: Float[Tensor, "batch time channel height width"],
        state: Float[Tensor, "batch past channel height width"],
    ) -> tuple[
        Float[Tensor, "batch time channel height width"],
        Float[Tensor, "batch past channel height width"],
    ]:
        """Return the filtered maps and the last ``kernel - 1`` input maps."""
        padded = torch.cat([state, x], 1)
        taps = self.weight[:, :, None, None]
        time = x.shape[1]
        out = x * taps[0]
        for lag in range(1, self.past + 1):
            start = self.past - lag
            out = torch.addcmul(out, padded[:, start : start + time], taps[lag])
        return out, padded[:, time:]


@final
class SqueezeExcitation(nn.Module):
    r"""Weigh channels frame by frame (Hu et al. 2018): :math:`x_c\,\sigma(W_2\,e(W_1\bar x))_c`.

    Args:
        channels: Channels of the maps.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.squeeze = nn.Linear(channels, max(1, channels // SQUEEZE))
        self.excite = nn.Linear(self.squeeze.out_features, channels)

    def forward(
        self, x: Float[Tensor, "frames channel height width"]
    ) -> Float[Tensor, "frames channel height width"]:
        """Scale each channel of each frame by a factor in 0..1."""
        hidden = functional.elu(self.squeeze(x.mean((2, 3))))
        return x * torch.sigmoid(self.excite(hidden))[:, :, None, None]


@final
class ESTBlock(nn.Module):
    """Expand, mix, filter in space and time, project, pool.

    Args:
        channels_in: Channels of the maps that come in.
        channels_out: Channels of the maps that go out.
        expansion: Channels inside.
        mixer: ZAS, or a control in its place.
        pool: Pixels that are averaged along each axis (1 = none).
        squeeze_excitation: Whether channels are weighed frame by frame.
    """

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        *,
        expansion: int,
        mixer: PartialMixer,
        pool: int,
        squeeze_excitation: bool = False,
    ) -> None:
        super().__init__()
        self.expand = nn.Conv2d(channels_in, expansion, 1, bias=False)
        self.expand_norm = nn.BatchNorm2d(expansion)
        self.mixer = mixer
        self.spatial = nn.Conv2d(expansion, expansion, 3, padding=1, groups=expansion, bias=False)
        self.temporal = CausalDepthwise(expansion)
        self.inner_norm = nn.BatchNorm2d(expansion)
        self.excitation = SqueezeExcitation(expansion) if squeeze_excitation else nn.Identity()
        self.project = nn.Conv2d(expansion, channels_out, 1, bias=False)
        self.project_norm = nn.BatchNorm2d(channels_out)
        self.pool = pool

    def forward(
        self,
        x: Float[Tensor, "batch time channel height width"],
        state: Float[Tensor, "batch past inner height width"],
    ) -> tuple[
        Float[Tensor, "batch time channel_out height_out width_out"],
        Float[Tensor, "batch past inner height width"],
    ]:
        """Return the block's maps and the temporal filter's state."""
        batch, time = x.shape[:2]
        frames = x.flatten(0, 1)
        inner = functional.elu(self.expand_norm(self.expand(frames)))
        inner = self.spatial(self.mixer(inner))
        inner, state = self.temporal(inner.view(batch, time, *inner.shape[1:]), state)
        inner = functional.elu(self.inner_norm(inner.flatten(0, 1)))
        out = self.project_norm(self.project(self.excitation(inner)))
        if self.pool > 1:
            out = functional.avg_pool2d(out, self.pool)
        return out.view(batch, time, *out.shape[1:]), state
