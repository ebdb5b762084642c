"""Temporal heads: the paper's gated network by name, and the controls it is judged by.

Controls are a plain causal filter of the same memory with every tap free, a gated recurrent unit,
and oscillators that are stepped exactly.
"""

import math
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from pulsephase.models.config import HeadName
from pulsephase.models.tcn import GatedTCN, SymmetricTCN, TemporalHead, UngatedTCN
from pulsephase.physics.holds import decaying_pair, holds


@final
class CausalFIR(TemporalHead):
    r"""Filter all channels into the wave with dense taps.

    .. math:: y_t = b + \sum_c \sum_{m<M} w_{c,m}\, x_{c,t-m}

    Convolved directly: a product of spectra would leave round-off before the first sample that
    differs, and causality here is exactly zero.

    Args:
        channels: Numbers a frame that come in.
        taps: M, as many as the gated network can see.
    """

    def __init__(self, channels: int, *, taps: int) -> None:
        super().__init__()
        self.filter = nn.Conv1d(channels, 1, taps)

    def initial_state(
        self, batch: int, like: Tensor
    ) -> tuple[Float[Tensor, "batch channel past"], ...]:
        """Return zeros for the last M - 1 inputs."""
        past = self.filter.kernel_size[0] - 1
        return (like.new_zeros(batch, self.filter.in_channels, past),)

    def forward(
        self, x: Float[Tensor, "batch time channel"], states: tuple[Tensor, ...]
    ) -> tuple[Float[Tensor, "batch time"], tuple[Tensor, ...]]:
        """Return the wave and the last M - 1 inputs."""
        padded = torch.cat([states[0], x.transpose(1, 2)], 2)
        return self.filter(padded)[:, 0], (padded[:, :, x.shape[1] :],)


@final
class RecurrentHead(TemporalHead):
    """A GRU (Cho et al. 2014) and a linear read-out.

    Args:
        channels: Numbers a frame that come in.
        width: Size of the hidden state.
    """

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.cell = nn.GRU(channels, width, batch_first=True)
        self.outward = nn.Linear(width, 1)

    def initial_state(self, batch: int, like: Tensor) -> tuple[Float[Tensor, "batch width"], ...]:
        """Return a hidden state of zeros."""
        return (like.new_zeros(batch, self.cell.hidden_size),)

    def forward(
        self, x: Float[Tensor, "batch time channel"], states: tuple[Tensor, ...]
    ) -> tuple[Float[Tensor, "batch time"], tuple[Tensor, ...]]:
        """Return the wave and the hidden state."""
        hidden, last = self.cell(x, states[0][None])
        return self.outward(hidden)[:, :, 0], (last[0],)


SLOWEST_HZ, FASTEST_HZ = 0.5, 8.0  # undamped frequencies that training starts from
LEAST_DAMPING, MOST_DAMPING = 0.1, 4.0  # damping ratios likewise; above 1 a mode creeps


def advance_matrix(
    a: Float[Tensor, " mode"], w: Float[Tensor, " mode"], *, steps: int
) -> Float[Tensor, "2 2 mode"]:
    r"""Return what ``steps`` frames without input do to :math:`(y, y'/w)`, exactly.

    .. math:: A^n = \begin{pmatrix} C_n + \tfrac a2 S_n & w S_n \\
                                    -w S_n & C_n - \tfrac a2 S_n \end{pmatrix},\quad
              C_n = e^{-an/2}\cos\theta n,\; S_n = e^{-an/2}\frac{\sin\theta n}{\theta},\;
              \theta^2 = w^2 - \tfrac{a^2}4

    in units of the frame period, :math:`a=\alpha h`, :math:`w=\omega h`; :math:`\theta^2` may have
    either sign.

    Args:
        a: Damping rate.
        w: Undamped angular frequency.
        steps: Frames n.
    """
    cosine, sine = decaying_pair(a * steps, w * steps)
    sine = sine * steps
    half = a * sine / 2
    return torch.stack(
        [torch.stack([cosine + half, w * sine]), torch.stack([-w * sine, cosine - half])]
    )


def drive_vector(a: Float[Tensor, " mode"], w: Float[Tensor, " mode"]) -> Float[Tensor, "2 mode"]:
    r"""Return what an input held over one frame adds: :math:`(w^2\beta_1,\; wS_1)`."""
    found = holds(a, w)
    return torch.stack([w * w * found.integral, w * found.sine])


@final
class OscillatorBank(TemporalHead):
    r"""Oscillators beside each other, a direct path, and a linear read-out.

    .. math:: x_t = A x_{t-1} + B (W u)_t,\qquad y_t = c\cdot x_t + d\cdot u_t

    The recurrence is summed in :math:`\log_2 T` doublings, :math:`x \leftarrow x + A^{2^l}
    x_{t-2^l}`, each power from its closed form; one frame is one step of the recurrence.

    Args:
        channels: Numbers a frame that come in.
        modes: Oscillators.
        sample_hz: Frames per second, for the frequencies that training starts from.
    """

    def __init__(self, channels: int, modes: int, *, sample_hz: float) -> None:
        super().__init__()
        self.inward = nn.Linear(channels, modes, bias=False)
        ladder = torch.linspace(0, 1, modes)
        turn = SLOWEST_HZ * (FASTEST_HZ / SLOWEST_HZ) ** ladder
        # The golden ratio spreads the dampings evenly over neighbouring frequencies.
        spread = (torch.arange(modes) * (math.sqrt(5) - 1) / 2) % 1
        damping = LEAST_DAMPING * (MOST_DAMPING / LEAST_DAMPING) ** spread
        w = 2 * math.pi * turn / sample_hz
        self.log_w = nn.Parameter(w.log())
        self.log_a = nn.Parameter((2 * damping * w).log())
        self.outward = nn.Linear(2 * modes, 1)
        self.direct = nn.Linear(channels, 1, bias=False)

    def initial_state(self, batch: int, like: Tensor) -> tuple[Float[Tensor, "batch 2 mode"], ...]:
        """Return oscillators at rest."""
        return (like.new_zeros(batch, 2, len(self.log_w)),)

    def forward(
        self, x: Float[Tensor, "batch time channel"], states: tuple[Tensor, ...]
    ) -> tuple[Float[Tensor, "batch time"], tuple[Tensor, ...]]:
        """Return the wave and the displacement and velocity of each oscillator."""
        a, w = self.log_a.exp(), self.log_w.exp()  # per frame, positive by construction
        driven = drive_vector(a, w) * self.inward(x)[:, :, None]
        carried = _turned(states[0][:, None], advance_matrix(a, w, steps=1))
        moved = torch.cat([driven[:, :1] + carried, driven[:, 1:]], 1)
        lag, time = 1, x.shape[1]
        while lag < time:
            earlier = _turned(moved[:, :-lag], advance_matrix(a, w, steps=lag))
            moved = torch.cat([moved[:, :lag], moved[:, lag:] + earlier], 1)
            lag *= 2
        wave = self.outward(moved.flatten(2)) + self.direct(x)
        return wave[:, :, 0], (moved[:, -1],)


def _turned(
    state: Float[Tensor, "batch time 2 mode"], matrix: Float[Tensor, "2 2 mode"]
) -> Float[Tensor, "batch time 2 mode"]:
    """Multiply each oscillator's pair by its 2x2 matrix."""
    return state[:, :, :1] * matrix[:, 0] + state[:, :, 1:] * matrix[:, 1]


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
