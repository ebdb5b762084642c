"""What a network costs, counted and not timed: parameters, multiply-adds, a stream's memory."""

from dataclasses import dataclass

import torch
from torch.utils.flop_counter import FlopCounterMode

from pulsephase.models.folded import Folded
from pulsephase.models.phasenet import PhaseNet

FRAMES = 8  # of the clip that is counted: every layer's cost is proportional to it


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """The cost of a network.

    Attributes:
        parameters: Trained numbers.
        macs_per_frame: Multiply-adds of convolutions and matrix products, a frame; permutations
            count nothing, and elementwise work (normalisation, the three temporal taps of a block,
            activations) is not counted either.
        state_bytes: What a stream of one face holds; 0 for the control that cannot stream.
    """

    parameters: int
    macs_per_frame: float
    state_bytes: int


def cost(net: PhaseNet) -> Cost:
    """Count what a network costs.

    Args:
        net: A network; it is run once on black frames, and left as it was.

    Example:
        >>> from pulsephase.models.config import TINY
        >>> cost(PhaseNet(TINY)).parameters
        83481
    """
    size, training = net.config.size, net.training
    like = net.stem.weight
    net.eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        net(like.new_zeros(1, FRAMES, 3, size, size))
    net.train(training)
    state_bytes = Folded(net).initial_state(1).nbytes if net.config.causal else 0
    return Cost(
        parameters=sum(parameter.numel() for parameter in net.parameters()),
        macs_per_frame=counter.get_total_flops() / (2 * FRAMES),
        state_bytes=state_bytes,
    )
