"""The eight orientations are the display matrix's own map of pixels."""

import struct

import numpy as np
import pytest

from pulsephase.video.decode import Orientation

ONE = 1 << 16
MATRICES = [
    (a * ONE, b * ONE, 0, c * ONE, d * ONE, 0, 0, 0, 1 << 30)
    for a, b, c, d in [
        (1, 0, 0, 1),
        (0, 1, -1, 0),
        (-1, 0, 0, -1),
        (0, -1, 1, 0),
        (-1, 0, 0, 1),
        (1, 0, 0, -1),
        (0, 1, 1, 0),
        (0, -1, -1, 0),
    ]
]


@pytest.mark.parametrize("matrix", MATRICES)
def test_every_pixel_lands_where_the_matrix_sends_it(matrix: tuple[int, ...]) -> None:
    image = np.random.default_rng(0).integers(0, 256, (3, 5, 3)).astype(np.uint8)
    shown = Orientation.of_matrix(struct.pack("<9i", *matrix)).apply(image)
    a, b, _, c, d, *_ = matrix
    x, y = np.meshgrid(np.arange(5), np.arange(3))
    across, down = (a * x + c * y) // ONE, (b * x + d * y) // ONE
    expected = np.empty((np.ptp(down) + 1, np.ptp(across) + 1, 3), np.uint8)
    expected[down - down.min(), across - across.min()] = image
    np.testing.assert_array_equal(shown, expected)


@pytest.mark.parametrize(
    ("matrix", "turn"), list(zip(MATRICES[:4], [0, 90, 180, 270], strict=True))
)
def test_the_turn_is_clockwise(matrix: tuple[int, ...], turn: int) -> None:
    orientation = Orientation.of_matrix(struct.pack("<9i", *matrix))
    assert orientation.rotation_deg == turn
    image = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    np.testing.assert_array_equal(orientation.apply(image), np.rot90(image, -turn // 90))
