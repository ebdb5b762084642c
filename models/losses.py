"""What the network is trained on: the shape of the pulse, and silence where there is none.

Every term takes a mask of the samples that count (``counts``; none: all do): where the face was
lost or the contact wave is missing, neither wave nor target says anything.
"""

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
    wave: Float[Tensor, "batch time"],
    target: Float[Tensor, "batch time"],
    *,
    counts: Bool[Tensor, "batch time"] | None = None,
) -> Float[Tensor, " batch"]:
    r"""Return :math:`1 - r` between each wave and its target; blind to scale and offset."""
    wave, target = _centred(wave, counts), _centred(target, counts)
    scale = wave.norm(dim=1) * target.norm(dim=1)
    miss: Tensor = 1 - (wave * target).sum(1) / (scale + 1e-6)
    return miss


def reconstruction_miss(
    wave: Float[Tensor, "batch time"],
    target: Float[Tensor, "batch time"],
    *,
    counts: Bool[Tensor, "batch time"] | None = None,
) -> Float[Tensor, " batch"]:
    r"""Return the mean squared distance to the target at unit scale.

    .. math:: \frac1T\sum_t (p_t - \tilde z_t)^2 = (\sigma_p - r)^2 + (1 - r^2) + \bar p^2,
              \qquad \tilde z = (z - \bar z)/\sigma_z

    Beside the correlation r it fixes what that is blind to: scale, offset and sign. The paper names
    a reconstruction regulariser without a form known to us; this one is our reading.

    Args:
        wave: The network's output :math:`p`.
        target: The pulse :math:`z` at the same samples.
        counts: The samples that count; none means all.

    Example:
        >>> wave = torch.tensor([[1.0, -1.0, 1.0, -1.0]])
        >>> reconstruction_miss(wave, 5 * wave + 2).item() < 1e-9
        True
    """
    middle = _centred(target, counts)
    spread = _mean(middle.square(), counts).sqrt()[:, None]
    return _mean((wave - middle / (spread + 1e-6)).square(), counts)


def spectral_miss(
    wave: Float[Tensor, "batch time"],
    heart_rate_bpm: Float[Tensor, " batch"],
    *,
    sample_hz: float,
    counts: Bool[Tensor, "batch time"] | None = None,
) -> Float[Tensor, " batch"]:
    r"""Return minus the log share of in-band power that lies at the heart rate.

    .. math:: -\log\Big(\epsilon + \sum_f w(f - f_0) P(f) \Big/ \sum_f P(f)\Big),
              \qquad f \in [0.6, 4]\ \text{Hz}

    with a Gaussian window w of 7 bpm standard deviation and a Hann-windowed spectrum. Samples that
    do not count are zero in it.
    """
    bins = torch.fft.rfftfreq(SPECTRUM_POINTS, 1 / sample_hz, device=wave.device)
    band = (bins >= BAND_HZ[0]) & (bins <= BAND_HZ[1])
    taper = torch.hann_window(wave.shape[1], dtype=wave.dtype, device=wave.device)
    tapered = _centred(wave, counts) * taper
    power = torch.fft.rfft(tapered, SPECTRUM_POINTS).abs().square()[:, band]
    distance = (60 * bins[band] - heart_rate_bpm[:, None]) / SPECTRUM_SPREAD_BPM
    near = torch.exp(-0.5 * distance.square()).to(wave.dtype)
    share = (power * near).sum(1) / (power.sum(1) + 1e-9)
    miss: Tensor = -(share + 1e-3).log()
    return miss


def clip_losses(
    wave: Float[Tensor, "batch time"],
    target: Float[Tensor, "batch time"],
    has_pulse: Bool[Tensor, " batch"],
    heart_rate_bpm: Float[Tensor, " batch"],
    *,
    sample_hz: float,
    weights: LossWeights,
    counts: Bool[Tensor, "batch time"] | None = None,
) -> Float[Tensor, " batch"]:
    r"""Return the loss of each clip.

    .. math:: \ell = \begin{cases}
        \lambda_{\text{pearson}} (1 - r(p, z)) + \lambda_{\text{rate}} S(p)
        + \lambda_{\text{scale}} (\sigma(p) - 1)^2
        + \lambda_{\text{rec}} R(p, z) & \text{with a pulse}\\
        \lambda_{\text{silence}} \langle p^2 \rangle & \text{without}
        \end{cases}

    with S the spectral miss and R the reconstruction miss. The scale term only gives "silence" a
    meaning; the two before it know no amplitude. A clip of which no sample counts has none.

    Args:
        wave: The network's output :math:`p`, warm-up cut off.
        target: The pulse :math:`z` at the same samples; may be NaN where they do not count.
        has_pulse: Which clips carry a pulse.
        heart_rate_bpm: Mean heart rate of each clip.
        sample_hz: Frame rate in Hz.
        weights: Of the terms.
        counts: The samples that count; none means all.
    """
    if counts is not None:
        target = torch.where(counts, target, 0.0)
    # The square root has no slope at zero, which is where a clip without a sample stands.
    spread = (_centred(wave, counts).square().sum(1) / _degrees(wave, counts)).clamp(1e-12).sqrt()
    with_pulse = (
        weights.pearson * negative_pearson(wave, target, counts=counts)
        + weights.rate * spectral_miss(wave, heart_rate_bpm, sample_hz=sample_hz, counts=counts)
        + weights.scale * (spread - 1) ** 2
    )
    if weights.reconstruction:
        miss = reconstruction_miss(wave, target, counts=counts)
        with_pulse = with_pulse + weights.reconstruction * miss
    without = weights.silence * _mean(wave.square(), counts)
    losses = torch.where(has_pulse, with_pulse, without)
    return losses if counts is None else torch.where(counts.any(1), losses, 0.0)


def pulse_loss(
    wave: Float[Tensor, "batch time"],
    target: Float[Tensor, "batch time"],
    has_pulse: Bool[Tensor, " batch"],
    heart_rate_bpm: Float[Tensor, " batch"],
    *,
    sample_hz: float,
    weights: LossWeights,
    counts: Bool[Tensor, "batch time"] | None = None,
) -> Float[Tensor, ""]:
    r"""Return the loss of a batch, :math:`\sum_i \ell_i / N`, over its pulse-bearing clips N.

    Where none bears a pulse, N is the number of clips. The trainer takes N over all clips of a
    step, whatever processes and parts they are spread over; for the arguments see
    :func:`clip_losses`.
    """
    losses = clip_losses(
        wave,
        target,
        has_pulse,
        heart_rate_bpm,
        sample_hz=sample_hz,
        weights=weights,
        counts=counts,
    )
    return losses.sum() / normaliser(tally(has_pulse, counts))


def tally(
    has_pulse: Bool[Tensor, " batch"], counts: Bool[Tensor, "batch time"] | None = None
) -> Float[Tensor, "2"]:
    """Count the clips that bear a pulse, and all; one of which no sample counts is neither."""
    heard = torch.ones_like(has_pulse) if counts is None else counts.any(1)
    return torch.stack([(has_pulse & heard).sum(), heard.sum()]).float()


def normaliser(counted: Float[Tensor, "2"]) -> Float[Tensor, ""]:
    """Return what a sum of losses is divided by, from the :func:`tally` of its clips.

    Example:
        >>> normaliser(torch.tensor([3.0, 4.0])), normaliser(torch.tensor([0.0, 4.0]))
        (tensor(3.), tensor(4.))
    """
    bearing, heard = counted
    return torch.where(bearing > 0, bearing, heard).clamp(min=1.0)


def _mean(
    values: Float[Tensor, "batch time"], counts: Bool[Tensor, "batch time"] | None
) -> Float[Tensor, " batch"]:
    if counts is None:
        return values.mean(1)
    kept = counts.to(values.dtype)
    return (values * kept).sum(1) / kept.sum(1).clamp(min=1.0)


def _centred(
    values: Float[Tensor, "batch time"], counts: Bool[Tensor, "batch time"] | None
) -> Float[Tensor, "batch time"]:
    """Subtract the mean of the samples that count; the others become zero."""
    centred = values - _mean(values, counts)[:, None]
    return centred if counts is None else centred * counts.to(values.dtype)


def _degrees(
    wave: Float[Tensor, "batch time"], counts: Bool[Tensor, "batch time"] | None
) -> Float[Tensor, " batch"]:
    """Return the samples that count less one, at least one."""
    samples = wave.new_full((len(wave),), wave.shape[1]) if counts is None else counts.sum(1)
    return (samples.to(wave.dtype) - 1).clamp(min=1.0)
