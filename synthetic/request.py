"""What is asked of a folder of synthetic clips, and what cannot be."""

import json
from dataclasses import asdict, dataclass
from typing import Any

from pulsephase import __version__
from pulsephase.errors import ParameterError
from pulsephase.synthetic.config import SynthConfig
from pulsephase.synthetic.draw import usable
from pulsephase.synthetic.layouts import LAYOUTS, check_layout
from pulsephase.synthetic.scene import check_scene
from pulsephase.synthetic.write import CRF, ENDINGS, WORST_CRF

FORMATS = (*ENDINGS, *LAYOUTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the clips of a folder have in common.

    Attributes:
        config: What may vary.
        seed: Of the first clip.
        format: ``mp4`` (H.264), ``ffv1`` (lossless, Matroska), ``npz``, or the layout of a public
            set: ``ubfc``, ``pure`` or ``scamps``.
        scene: Width and height of whole scenes; none for crops of the config's size.
        shard: Number, from 1 on, and count of the parts a set of clips is made in.
        device: Where pixels are worked out.
        crf: Quality of ``mp4``.
        maps: Whether skin mask and perfusion of each frame are kept.
    """

    config: SynthConfig
    seed: int
    format: str
    scene: tuple[int, int] | None = None
    shard: tuple[int, int] | None = None
    device: str = "cpu"
    crf: int = CRF
    maps: bool = False

    def __post_init__(self) -> None:
        if self.format not in FORMATS:
            raise ParameterError(f"format is {self.format!r}; there are {', '.join(FORMATS)}")
        check_layout(self.format)
        number, count = self.shard or (1, 1)
        if not 1 <= number <= count:
            raise ParameterError(f"shard is {number}/{count}; shards count from 1 to their number")
        if self.seed < 0:
            raise ParameterError(f"seed is {self.seed}; it must be at least 0")
        width, height = self.scene or (self.config.size, self.config.size)
        if self.scene is not None:
            check_scene(width, height)
        if self.format == "mp4" and (width % 2 or height % 2):
            raise ParameterError(f"frames are {width}x{height}; mp4 needs even sizes")

        if not 0 <= self.crf <= WORST_CRF:
            raise ParameterError(f"crf is {self.crf}; H.264 knows 0 (lossless) to {WORST_CRF}")
        if self.crf != CRF and self.format != "mp4":
            raise ParameterError(f"crf is {self.crf}, but {self.format} is not H.264; take mp4")
        usable(self.device)

    def seeds(self, clips: int) -> range:
        """Return the seeds of this shard's clips, of ``clips`` of all shards together.

        Raises:
            ParameterError: If there are none.
        """
        number, count = self.shard or (1, 1)
        if clips < 1:
            raise ParameterError(f"clips is {clips}; give at least 1")
        if number > clips:
            raise ParameterError(
                f"shard {number}/{count} of {clips} clips holds none; give at least {number} "
                "clips, or fewer shards"
            )
        return range(self.seed + number - 1, self.seed + clips, count)

    def as_json(self) -> dict[str, Any]:
        """Return it as the manifest holds it."""
        found: dict[str, Any] = json.loads(json.dumps({"version": __version__, **asdict(self)}))
        return found
