"""What the network is trained on: the shape of the pulse, and silence where there is none."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

BAND_HZ = (0.6, 4.0)
SPECTRUM_POINTS = 1024
SPECTRUM_SPREAD_BPM = 7.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LossWeights:
    """Weights of the terms.

    Attributes:
        pearson: Of the negative Pearson correlation, the paper's loss; 0 leaves it out.
        rate: Of the spectral miss.
        scale: Of what holds the output near unit standard deviation.
        silence: Of the energy of clips without a pulse.
        reconstruction: Of the paper's regulariser; 0 leaves it out, the paper is said to weigh it
            by 0.1 (second-hand: an assumption).
    """

    pearson: float = 1.0
    rate: float = 0.3
    scale: float = 0.05
    silence: float = 0.1
    reconstruction: float = 0.0


def negative_pearson(
    wave: Float[Tensor, "batch time"], target: Float[Tensor, "batch time"]
) -> Float[Tensor, " batch"]:
    r"""Return :math:`1 - r` between each wave and its target; blind to scale and offset."""
    wave = wave - wave.mean(1, keepdim=True)
    target = target - target.mean(1, keepdim=True)
    scale = wave.norm(dim=1) * target.norm(dim=1)
    miss: Tensor = 1 - (wave * target).sum(1) / (scale + 1e-6)
    return miss


def reconstruction_miss(
    wave: Float[Tensor, "batch time"], target: Float[Tensor, "batch time"]
) -> Float[Tensor, " batch"]:
    r"""Return the mean squared distance to the target at unit scale.

    .. math:: \frac1T\sum_t (p_t - \tilde z_t)^2 = (\sigma_p - r)^2 + (1 - r^2) + \bar p^2,
              \qquad \tilde z = (z - \bar z)/\sigma_z

    Beside the correlation r it fixes what that is blind to: scale, offset and sign. The paper names
    a reconstruction regulariser without a form known to us; this one is our reading.

    Args:
        wave: The network's output :math:`p`.
        target: The pulse :math:`z` at the same samples.

    Example:
        >>> wave = torch.tensor([[1.0, -1.0, 1.0, -1.0]])
        >>> reconstruction_miss(wave, 5 * wave + 2).item() < 1e-9
        True
    """
    spread, middle = torch.std_mean(target, dim=1, keepdim=True, correction=0)
    return (wave - (target - middle) / (spread + 1e-6)).square().mean(1)


def spectral_miss(
    wave: Float[Tensor, "batch time"],
    heart_rate_bpm: Float[Tensor, " batch"],
    *,
    sample_hz: float,
) -> Float[Tensor, " batch"]:
    r"""Return minus the log share of in-band power that lies at the heart rate.

    .. math:: -\log\Big(\epsilon + \sum_f w(f - f_0) P(f) \Big/ \sum_f P(f)\Big),
              \qquad f \in [0.6, 4]\ \text{Hz}

    with a Gaussian window w of 7 bpm standard deviation and a Hann-windowed spectrum.
    """
    bins = torch.fft.rfftfreq(SPECTRUM_POINTS, 1 / sample_hz, device=wave.device)
    band = (bins >= BAND_HZ[0]) & (bins <= BAND_HZ[1])
    centred = wave - wave.mean(1, keepdim=True)
    taper = torch.hann_window(wave.shape[1], dtype=wave.dtype, device=wave.device)
    power = torch.fft.rfft(centred * taper, SPECTRUM_POINTS).abs().square()[:, band]
    distance = (60 * bins[band] - heart_rate_bpm[:, None]) / SPECTRUM_SPREAD_BPM
    near = torch.exp(-0.5 * distance.square()).to(wave.dtype)
    share = (power * near).sum(1) / (power.sum(1) + 1e-9)
    miss: Tensor = -(share + 1e-3).log()
    return miss


def pulse_loss(
    wave: Float[Tensor, "batch time"],
    target: Float[Tensor, "batch time"],
    has_pulse: Bool[Tensor, " batch"],
    heart_rate_bpm: Float[Tensor, " batch"],
    *,
    sample_hz: float,
    weights: LossWeights,
) -> Float[Tensor, ""]:
    r"""Return the mean loss over clips.

    .. math:: \begin{cases}
        \lambda_{\text{pearson}} (1 - r(p, z)) + \lambda_{\text{rate}} S(p)
        + \lambda_{\text{scale}} (\sigma(p) - 1)^2
        + \lambda_{\text{rec}} R(p, z) & \text{with a pulse}\\
        \lambda_{\text{silence}} \langle p^2 \rangle & \text{without}
        \end{cases}

    with S the spectral miss and R the reconstruction miss. The scale term only gives "silence" a
    meaning; the two before it know no amplitude.

    Args:
        wave: The network's output :math:`p`, warm-up cut off.
        target: The pulse :math:`z` at the same samples.
        has_pulse: Which clips carry a pulse.
        heart_rate_bpm: Mean heart rate of each clip.
        sample_hz: Frame rate in Hz.
        weights: Of the terms.
    """
    with_pulse = (
        weights.pearson * negative_pearson(wave, target)
        + weights.rate * spectral_miss(wave, heart_rate_bpm, sample_hz=sample_hz)
        + weights.scale * (wave.std(1) - 1) ** 2
    )
    if weights.reconstruction:
        with_pulse = with_pulse + weights.reconstruction * reconstruction_miss(wave, target)
    without = weights.silence * wave.square().mean(1)
    return torch.where(has_pulse, with_pulse, without).mean()
