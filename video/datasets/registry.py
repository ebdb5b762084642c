"""The public data sets by name."""

from pulsephase.errors import ParameterError
from pulsephase.video.datasets.buaa import BUAA
from pulsephase.video.datasets.layout import DataSet
from pulsephase.video.datasets.mmpd import MMPD
from pulsephase.video.datasets.pure import PURE
from pulsephase.video.datasets.scamps import SCAMPS
from pulsephase.video.datasets.ubfc import UBFC, UBFC1
from pulsephase.video.samples import SAMPLES

DATASETS = {found.name: found for found in (UBFC, UBFC1, PURE, MMPD, BUAA, SCAMPS, SAMPLES)}


def dataset(name: str) -> DataSet:
    """Return a data set by its name.

    Raises:
        ParameterError: If there is none of that name.

    >>> dataset("ubfc").title
    'UBFC-rPPG, data set 2'
    """
    if name not in DATASETS:
        raise ParameterError(f"no data set {name!r}; there are {', '.join(DATASETS)}")
    return DATASETS[name]
