r"""Crops as bytes, without losing a pulse that is smaller than one of them.

Rounded to the nearest level, a pixel that the pulse moves by a tenth of a level mostly does not
move at all, and where it does it moves ten times too far. Rounded down after adding noise u that
is uniform in [0, 1),

.. math:: q = \lfloor x + u \rfloor, \qquad \operatorname{E} q = x,
          \qquad \operatorname{var} q = f (1 - f) \le \tfrac14, \quad f = x - \lfloor x \rfloor,

the mean is exact whatever x is (Vanderkooy and Lipshitz 1984 on non-subtractive dither), at the
cost of white noise of at most half a level a pixel: 0.014 levels in the mean of 36 x 36 pixels.
"""

import hashlib

import numpy as np
from jaxtyping import Float32, UInt8


class Rounder:
    """Round the crops of one recording; the noise depends on its name and nothing else.

    Args:
        name: Of the recording.
    """

    def __init__(self, name: str) -> None:
        digest = hashlib.sha256(name.encode()).digest()
        self._noise = np.random.Generator(np.random.Philox(int.from_bytes(digest[:16])))

    def __call__(self, crops: Float32[np.ndarray, "..."]) -> UInt8[np.ndarray, "..."]:
        """Round consecutive crops in 0..1 to 0..255.

        >>> halves = Rounder("subject1")(np.full((1000, 3, 4, 4), 100.5 / 255, np.float32))
        >>> sorted(set(halves.ravel().tolist())), round(float(halves.mean()), 1)
        ([100, 101], 100.5)
        """
        levels = 255 * crops + self._noise.random(crops.shape, dtype=np.float32)
        return np.clip(np.floor(levels), 0, 255).astype(np.uint8)
