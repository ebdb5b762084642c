r"""A linear stack of dilated causal convolutions: what a TCN is when its gates are left out.

Layer :math:`l` with taps :math:`G_l[j]` and dilation :math:`d_l` maps channels to channels,

.. math:: s^{(l+1)}_t = \sum_j G_l[j]\; s^{(l)}_{t-j\,d_l},

so the stack is a convolution whose kernel is :math:`\prod_l \sum_j G_l[j]\,q^{j d_l}` and whose
receptive field is :math:`1+\sum_l (k_l-1)\,d_l`. A residual connection is the identity in tap 0.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float64

from pulsephase.checks import at_least, finite
from pulsephase.errors import ShapeError


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One dilated causal convolution over channels.

    Attributes:
        taps: ``taps[:, :, j]`` acts on the input ``j * dilation`` samples ago.
        dilation: Samples between taps.

    Raises:
        ShapeError: If ``taps`` is not a non-empty array of three axes.
        ParameterError: If a tap is not finite or the dilation is below 1.
    """

    taps: Float64[np.ndarray, "output input tap"]
    dilation: int = 1

    def __post_init__(self) -> None:
        if self.taps.ndim != 3:
            raise ShapeError(f"taps has shape {self.taps.shape}; give (out, in, tap)")
        finite("taps", self.taps)
        at_least("dilation", self.dilation, 1)

    @property
    def reach(self) -> int:
        """How many samples back the last tap looks."""
        return int(self.taps.shape[2] - 1) * self.dilation

    def apply(
        self, signal: Float64[np.ndarray, "input time"]
    ) -> Float64[np.ndarray, "output time"]:
        """Convolve, with zeros before the first sample."""
        length = signal.shape[1]
        out = np.zeros((self.taps.shape[0], length))
        for j in range(self.taps.shape[2]):
            delay = j * self.dilation
            if delay < length:
                out[:, delay:] += self.taps[:, :, j] @ signal[:, : length - delay]
        return out

    def conv1d_weight(self) -> Float64[np.ndarray, "output input tap"]:
        """Return the weight of a framework's ``conv1d``, whose last tap is the newest sample."""
        return self.taps[:, :, ::-1].copy()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """Layers in order, from one input channel to one output channel.

    Attributes:
        layers: The convolutions; each takes the channels that the one before it gives.

    Raises:
        ShapeError: If there is no layer, if channels do not fit, or if the ends are not single.

    Example:
        >>> half = Layer(taps=np.array([[[0.5, 0.5]]]), dilation=2)
        >>> Stack(layers=(half, half)).kernel().tolist()
        [0.25, 0.0, 0.5, 0.0, 0.25]
    """

    layers: tuple[Layer, ...]

    def __post_init__(self) -> None:
        channels = [1, *(layer.taps.shape[0] for layer in self.layers)]
        wanted = [*(layer.taps.shape[1] for layer in self.layers), 1]
        if not self.layers or channels != wanted:
            raise ShapeError(
                f"layers give {channels[1:]} channels and take {wanted[:-1]}; each must take what "
                "the one before it gives, from one channel to one"
            )

    @property
    def widths(self) -> tuple[int, ...]:
        """Channels between the layers."""
        return tuple(layer.taps.shape[0] for layer in self.layers[:-1])

    @property
    def receptive_field(self) -> int:
        """How many samples the output can see, its own among them."""
        return 1 + sum(layer.reach for layer in self.layers)

    def __call__(self, signal: Float[np.ndarray, " time"]) -> Float64[np.ndarray, " time"]:
        """Return the output at every sample, with zeros before the first.

        Raises:
            ShapeError: If the signal is empty.
            ParameterError: If a sample is not finite.
        """
        finite("signal", signal)
        channels = np.asarray(signal, dtype=np.float64)[None]
        for layer in self.layers:
            channels = layer.apply(channels)
        return np.asarray(channels[0])

    def kernel(self) -> Float64[np.ndarray, " receptive_field"]:
        """Return the impulse response, all of it."""
        impulse = np.zeros(self.receptive_field)
        impulse[0] = 1.0
        return self(impulse)
