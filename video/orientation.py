"""Which way up is a frame? The eight orientations that a display matrix can ask for.

A display matrix maps a stored pixel (x, y), y pointing down, to (a x + c y, b x + d y) on the
screen; it is stored as nine little-endian 32-bit integers (a, b, u, c, d, v, x, y, w) (ISO/IEC
14496-12, 8.3.2).
"""

import struct
from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8


@dataclass(frozen=True, slots=True, kw_only=True)
class Orientation:
    """A transposition, then a mirroring of each axis.

    >>> Orientation.of_matrix(struct.pack("<9i", 0, 1, 0, -1, 0, 0, 0, 0, 1)).rotation_deg
    90
    """

    transposed: bool = False
    mirrored_x: bool = False
    mirrored_y: bool = False

    @classmethod
    def of_matrix(cls, matrix: bytes) -> "Orientation":
        """Read a display matrix; an angle between quarter turns is taken to the nearest."""
        a, b, _, c, d, *_ = struct.unpack("<9i", matrix[:36])
        if abs(b) > abs(a):
            return cls(transposed=True, mirrored_x=c < 0, mirrored_y=b < 0)
        return cls(mirrored_x=a < 0, mirrored_y=d < 0)

    @property
    def rotation_deg(self) -> int:
        """Clockwise turn of the picture's x axis: 0, 90, 180 or 270."""
        if self.transposed:
            return 270 if self.mirrored_y else 90
        return 180 if self.mirrored_x else 0

    def apply(self, image: UInt8[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "height width 3"]:
        """Turn an image upright."""
        if self.transposed:
            image = image.transpose(1, 0, 2)
        rows, columns = (
            slice(None, None, -1 if m else 1) for m in (self.mirrored_y, self.mirrored_x)
        )
        return np.ascontiguousarray(image[rows, columns])
