"""ICA: three independent sources, and the one with the sharpest line in the pulse band."""

import torch
from jaxtyping import Float
from torch import Tensor

from pulsephase.errors import ShapeError
from pulsephase.models.classical.colour import EPSILON, centred, check_colour
from pulsephase.models.classical.jade import jade
from pulsephase.vitals.signals import detrend, smoothness

ICA_BAND_HZ = (0.75, 4.0)
# Half the amplitude of the trend is removed here; Tarvainen's lambda of 100 at 30 Hz.
TREND_HZ = 0.4777
ICA_LEAST_S = 5.0  # our choice: some beats, for fourth-order statistics


def ica(
    colour: Float[Tensor, "*batch time 3"], *, sample_hz: float
) -> Float[Tensor, "*batch time"]:
    r"""Separate sources by JADE (Poh, McDuff & Picard, IEEE TBME 58:7, 2011).

    The channels are detrended by smoothness priors and brought to zero mean and unit variance; the
    sources have unit variance too, so that the one whose power spectrum holds the highest peak in
    0.75-4 Hz is the most periodic:

    .. math:: x = A s, \qquad \hat s = B x, \qquad
              \hat k = \arg\max_k \max_f |\mathcal F \hat s_k|^2 .

    A source has no sign of its own: it is turned against the green channel, which falls as blood
    volume rises. The whole clip is one window (the paper's is 30 s). The trend's cut-off is 0.48 Hz
    at any frame rate: an assumption, as a fixed lambda means another cut-off at each rate.

    Args:
        colour: Mean colour of the skin, RGB.
        sample_hz: Frames per second.

    Raises:
        SamplingError: If ``sample_hz`` is not above twice the trend's cut-off.
        ShapeError: If the clip is shorter than 5 s.
    """
    check_colour(colour, sample_hz, at_least_s=ICA_LEAST_S)
    channels = _standardised(colour, sample_hz)
    sources = jade(channels)
    chosen = _most_periodic(sources, sample_hz)
    wave = sources.gather(-2, chosen[..., None, None].expand(*chosen.shape, 1, sources.shape[-1]))
    wave = wave[..., 0, :]
    falling = (wave * channels[..., 1, :]).sum(-1, keepdim=True) > 0
    return torch.where(falling, -wave, wave).to(colour)


def _standardised(
    colour: Float[Tensor, "*batch time 3"], sample_hz: float
) -> Float[Tensor, "*batch 3 time"]:
    """Return detrended channels of zero mean and unit variance, in float64."""
    lam = smoothness(TREND_HZ, sample_hz=sample_hz)
    channels = colour.detach().cpu().double().transpose(-2, -1).numpy()
    moving = centred(torch.tensor(detrend(channels, lam=lam), device=colour.device))
    spread = moving.std(-1, correction=0, keepdim=True)
    still = spread <= EPSILON * colour.double().abs().amax((-2, -1))[..., None, None]
    return torch.where(still, 0.0, moving / torch.where(still, 1.0, spread))


def _most_periodic(sources: Float[Tensor, "*batch 3 time"], sample_hz: float) -> Tensor:
    """Return the index of the source with the highest spectral peak in the band."""
    time = sources.shape[-1]
    power = torch.fft.rfft(sources, dim=-1).abs() ** 2
    frequency = torch.fft.rfftfreq(time, 1 / sample_hz, device=sources.device)
    band = (frequency >= ICA_BAND_HZ[0]) & (frequency <= ICA_BAND_HZ[1])
    if not bool(band.any()):
        raise ShapeError(
            f"{time} frames at {sample_hz:g} Hz resolve nothing in 0.75-4 Hz; "
            "give a longer clip or a higher rate"
        )
    best: Tensor = power[..., band].amax(-1).argmax(-1)
    return best
