"""What the network is trained on: the shape of the pulse, and silence where there is none."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor


def negative_pearson(
    wave: Float[Tensor, "batch time"], target: Float[Tensor, "batch time"]
) -> Float[Tensor, " batch"]:
    r"""Return :math:`1 - r` between each wave and its target; blind to scale and offset."""
    wave = wave - wave.mean(1, keepdim=True)
    target = target - target.mean(1, keepdim=True)
    scale = wave.norm(dim=1) * target.norm(dim=1)
    return 1 - (wave * target).sum(1) / (scale + 1e-6)


def pulse_loss(
    wave: Float[Tensor, "batch time"],
    target: Float[Tensor, "batch time"],
    has_pulse: Bool[Tensor, " batch"],
    *,
    silence: float,
    scale: float,
) -> Float[Tensor, ""]:
    r"""Return the mean loss over clips.

    .. math:: \begin{cases}
        1 - r(p, z) + \lambda_{\text{scale}} (\sigma(p) - 1)^2 & \text{with a pulse}\\
        \lambda_{\text{silence}} \langle p^2 \rangle & \text{without}
        \end{cases}

    The scale term only gives "silence" a meaning; Pearson alone knows no amplitude.

    Args:
        wave: The network's output :math:`p`, warm-up cut off.
        target: The pulse :math:`z` at the same samples.
        has_pulse: Which clips carry a pulse.
        silence: Weight of the energy of pulseless clips.
        scale: Weight that holds the output near unit standard deviation.
    """
    spread = wave.std(1)
    with_pulse = negative_pearson(wave, target) + scale * (spread - 1) ** 2
    without = silence * wave.pow(2).mean(1)
    return torch.where(has_pulse, with_pulse, without).mean()
