"""Randomness as a pure function of the seed and the layer's name.

Each layer draws from a stream of its own, so that switching one layer off leaves the draws of all
others as they were, whatever the order in which clips are asked for.
"""

import hashlib
import math

import torch
from jaxtyping import Float
from torch import Tensor


class Stream:
    """A layer's random numbers, in float64 on the CPU.

    Args:
        seed: Of the clip.
        layer: Name of the layer.
        device: Of :meth:`grain` and :meth:`dust`, the noise of pixels; another device gives
            another noise of the same law.
    """

    def __init__(self, seed: int, layer: str, *, device: torch.device | str = "cpu") -> None:
        digest = hashlib.blake2b(f"{seed}/{layer}".encode(), digest_size=8).digest()
        number = int.from_bytes(digest, "big") >> 1
        self.generator = torch.Generator(device).manual_seed(number)

    def grain(self, shape: torch.Size) -> Float[Tensor, "..."]:
        """Draw standard normal numbers for pixels: float32, on the stream's device."""
        return torch.randn(shape, generator=self.generator, device=self.generator.device)

    def dust(self, shape: torch.Size) -> Float[Tensor, "..."]:
        """Draw numbers of 0..1 for pixels: float32, on the stream's device."""
        return torch.rand(shape, generator=self.generator, device=self.generator.device)

    def uniform(self, low: float, high: float, *shape: int) -> Float[Tensor, "..."]:
        """Draw uniformly from ``low`` to ``high``."""
        unit = torch.rand(shape, generator=self.generator, dtype=torch.float64)
        return low + (high - low) * unit

    def log_uniform(self, low: float, high: float, *shape: int) -> Float[Tensor, "..."]:
        """Draw uniformly in the logarithm."""
        return self.uniform(math.log(low), math.log(high), *shape).exp()

    def normal(self, *shape: int) -> Float[Tensor, "..."]:
        """Draw standard normal numbers."""
        return torch.randn(shape, generator=self.generator, dtype=torch.float64)

    def chance(self, probability: float) -> bool:
        """Return true with the given probability."""
        return float(self.uniform(0.0, 1.0)) < probability

    def below(self, count: int) -> int:
        """Draw a whole number from 0 to below ``count``."""
        return min(int(self.uniform(0.0, float(count))), count - 1)

    def drift(
        self,
        tracks: int,
        times_s: Float[Tensor, " time"],
        *,
        low_hz: float,
        high_hz: float,
        waves: int = 6,
    ) -> Float[Tensor, "tracks time"]:
        """Draw smooth tracks of unit standard deviation: a few sinusoids with a 1/f spectrum."""
        frequency = self.log_uniform(low_hz, high_hz, tracks, waves)
        height = self.normal(tracks, waves) / frequency.sqrt()
        phase = self.uniform(0.0, 2 * math.pi, tracks, waves)
        angle = 2 * math.pi * frequency[..., None] * times_s + phase[..., None]
        track = (height[..., None] * angle.sin()).sum(1)
        return track / (height.square().sum(1, keepdim=True) / 2).sqrt()
