"""What ZAS, or a control in its place, moves where: read from the module, on a map of indices.

A permutation of pixels shows as where each pixel of the swapped channels comes from; a mixer that
moves no pixel says so.
"""

from typing import Any

import numpy as np
import torch
from jaxtyping import Int64

from pulsephase.models.config import PhaseNetConfig
from pulsephase.models.est import ESTBlock
from pulsephase.models.mixers import Pointwise
from pulsephase.models.phasenet import PhaseNet
from pulsephase.models.zas import PartialMixer


def mixing_table(net: PhaseNet) -> list[dict[str, Any]]:
    """Return for each EST block where its pixels come from and how far that is."""
    sizes = net.config.map_sizes
    rows = []
    for index, (block, side) in enumerate(zip(net.blocks, sizes, strict=False)):
        assert isinstance(block, ESTBlock)
        rows.append({"block": index, **_moved(block.mixer, side, net.config)})
    return rows


def sources(mixer: PartialMixer, side: int) -> Int64[np.ndarray, "side side"]:
    """Return the index of the pixel that comes to each place, in a channel that is mixed.

    Example:
        >>> from pulsephase.models.zas import ZASWithin
        >>> sources(ZASWithin(channels=2, fraction=0.5, block=2), 2).tolist()
        [[0, 2], [1, 3]]
    """
    places = torch.arange(side * side, dtype=torch.float64).view(1, 1, side, side)
    if mixer.swapped == 0 or isinstance(mixer, Pointwise):
        found = places
    else:
        on = next(mixer.buffers(), places).device
        found = mixer.mix(places.to(on).expand(1, mixer.swapped, side, side))
    return np.asarray(found[0, 0].long().cpu().numpy())


def _moved(mixer: PartialMixer, side: int, config: PhaseNetConfig) -> dict[str, Any]:
    """Return sources and distances, those as a share of the face's side."""
    found = sources(mixer, side)
    rows, columns = np.divmod(found, side)
    here = np.arange(side)
    apart = np.hypot(rows - here[:, None], columns - here[None]) / side
    return {
        "mixer": config.mixer,
        "side": side,
        "channels_mixed": mixer.swapped,
        "source_row": rows.tolist(),
        "source_column": columns.tolist(),
        "distance": apart.round(4).tolist(),
        "share_moved": float((apart > 0).mean()),
        "mean_distance": float(apart.mean()),
        "largest_distance": float(apart.max()),
    }
