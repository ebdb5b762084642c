"""Which temporal head: the paper's gated network, and the controls it is judged by."""

from pulsephase.models.config import HeadName
from pulsephase.models.fir import CausalFIR
from pulsephase.models.gru import RecurrentHead
from pulsephase.models.oscillator_head import OscillatorBank
from pulsephase.models.tcn import GatedTCN, SymmetricTCN, UngatedTCN
from pulsephase.models.temporal_head import TemporalHead


def temporal_head(
    name: HeadName, *, channels: int, width: int, layers: int, kernel: int, sample_hz: float
) -> TemporalHead:
    """Return a head by name.

    Args:
        name: One of `pulsephase.models.config.HEADS`.
        channels: Numbers a frame that come in: position and velocity.
        width: Channels of the dilated networks, hidden size of the GRU, count of oscillators.
        layers: Of the dilated networks; layer l has dilation 2^l.
        kernel: Taps of a layer. The plain filter has as many taps as the layers can see.
        sample_hz: Frames per second.

    Example:
        >>> temporal_head("gru", channels=4, width=8, layers=6, kernel=3, sample_hz=30.0).causal
        True
    """
    match name:
        case "gated":
            return GatedTCN(channels, width, layers=layers, kernel=kernel)
        case "ungated":
            return UngatedTCN(channels, width, layers=layers, kernel=kernel)
        case "fir":
            return CausalFIR(channels, taps=1 + (kernel - 1) * ((1 << layers) - 1))
        case "oscillator":
            return OscillatorBank(channels, width, sample_hz=sample_hz)
        case "gru":
            return RecurrentHead(channels, width)
        case "symmetric":
            return SymmetricTCN(channels, width, layers=layers, kernel=kernel)
