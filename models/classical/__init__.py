"""Classical pulse methods on the mean colour of skin, each after its paper, vectorised over clips.

Each returns a wave of arbitrary scale, its sign turned where needed so that it rises with blood
volume. None is causal as published, but `pulsephase.models.classical.causal` has POS and CHROM
sample by sample.
"""

from pulsephase.models.classical.colour import EPSILON, WINDOW_S, mean_colour
from pulsephase.models.classical.ica import ICA_LEAST_S, ica
from pulsephase.models.classical.pos import CHROM_BAND_HZ, chrom, green, lgi, omit, pbv, pos

METHODS = {
    "pos": pos,
    "chrom": chrom,
    "green": green,
    "ica": ica,
    "lgi": lgi,
    "pbv": pbv,
    "omit": omit,
}
"""Every method by name: ``METHODS[name](colour, sample_hz=...)``."""

LEAST_S = {name: WINDOW_S for name in METHODS} | {"ica": ICA_LEAST_S}
"""Shortest stretch of skin in s that a wave is worth asking for, by method."""

__all__ = [
    "CHROM_BAND_HZ",
    "EPSILON",
    "LEAST_S",
    "METHODS",
    "WINDOW_S",
    "chrom",
    "green",
    "ica",
    "lgi",
    "mean_colour",
    "omit",
    "pbv",
    "pos",
]
