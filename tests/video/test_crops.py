"""A crop is the area average of the square around the box, and nothing else."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulsephase.errors import ParameterError, ShapeError
from pulsephase.video.crops import crop

EXACT = 2e-6  # float32 sums of weights that add up to 1
boxes = st.tuples(st.floats(-80, 120), st.floats(-80, 120), st.floats(0.5, 90), st.floats(0.5, 90))


def ramp(height: int, width: int, across: float, down: float) -> np.ndarray:
    x, y = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    return np.repeat((across * x + down * y)[..., None], 3, axis=2)


def overlaps(start: float, side: float, size: int, pixels: int) -> np.ndarray:
    """Length that each pixel shares with each cell; the edge pixels reach to infinity."""
    low = np.array([-math.inf, *range(1, pixels)])
    high = np.array([*range(1, pixels), math.inf])
    cell = side / size
    return np.array(
        [
            np.maximum(
                0, np.minimum(start + (i + 1) * cell, high) - np.maximum(start + i * cell, low)
            )
            for i in range(size)
        ]
    )


def reference(frame: np.ndarray, box: tuple[float, ...], size: int, margin: float) -> np.ndarray:
    """Sum over all pixels of what they share with each cell, in float64."""
    side = margin * max(box[2:])
    down = overlaps(box[1] + box[3] / 2 - side / 2, side, size, frame.shape[0])
    across = overlaps(box[0] + box[2] / 2 - side / 2, side, size, frame.shape[1])
    return np.einsum("iv,ju,vuc->cij", down, across, frame) / (side / size) ** 2


@given(boxes, st.integers(1, 12), st.floats(0.5, 2))
def test_a_constant_stays_what_it_is(box: tuple[float, ...], size: int, margin: float) -> None:
    frame = np.full((40, 60, 3), (10, 128, 255), np.uint8)
    found = crop(frame, box, size=size, margin=margin)
    expected = np.broadcast_to(np.array([10, 128, 255])[:, None, None] / 255, (3, size, size))
    np.testing.assert_allclose(found, expected, atol=EXACT)


@given(boxes, st.integers(1, 6), st.floats(0.5, 2), st.integers(0, 9))
def test_it_is_the_integral_over_each_cell(
    box: tuple[float, ...], size: int, margin: float, seed: int
) -> None:
    frame = np.random.default_rng(seed).random((24, 37, 3)).astype(np.float32)
    found = crop(frame, box, size=size, margin=margin)
    np.testing.assert_allclose(found, reference(frame, box, size, margin), atol=EXACT)


def test_a_ramp_is_exact_where_cells_are_whole_pixels() -> None:
    frame = ramp(64, 64, 0.003, 0.005)
    found = crop(frame, (8.0, 16.0, 32.0, 32.0), size=8, margin=1.0)
    centres = (np.arange(8) + 0.5) * 4
    expected = 0.003 * (8 + centres)[None, :] + 0.005 * (16 + centres)[:, None]
    np.testing.assert_allclose(found, np.stack([expected] * 3), atol=EXACT)


def test_a_change_far_below_one_grey_level_is_kept() -> None:
    """One pixel of 4,096 up by one level moves its cell by 1/4096 of a level."""
    frame = np.full((64, 64, 3), 100, np.uint8)
    before = crop(frame, (0.0, 0.0, 64.0, 64.0), size=1, margin=1.0)
    frame[10, 10] += 1
    after = crop(frame, (0.0, 0.0, 64.0, 64.0), size=1, margin=1.0)
    np.testing.assert_allclose((after - before) * 255 * 4096, 1, rtol=0.1)


def test_width_and_height_are_not_swapped() -> None:
    frame = np.zeros((20, 200, 3), np.uint8)
    frame[5:15, 150:160] = 255
    found = crop(frame, (150.0, 5.0, 10.0, 10.0), size=4, margin=1.0)
    np.testing.assert_allclose(found, 1, atol=EXACT)


def test_a_box_over_the_edge_keeps_its_centre() -> None:
    """The edge is repeated, so the centre of the box is the centre of the crop."""
    frame = np.zeros((60, 60, 3), np.uint8)
    frame[:, :2] = 255
    found = crop(frame, (-10.0, 20.0, 20.0, 20.0), size=10, margin=1.0)
    np.testing.assert_allclose(found[:, :, :6], 1, atol=EXACT)  # x from -10 to 2
    np.testing.assert_allclose(found[:, :, 6:], 0, atol=EXACT)


def test_a_tiny_face_is_enlarged_pixel_by_pixel() -> None:
    frame = np.random.default_rng(0).integers(0, 256, (10, 10, 3)).astype(np.uint8)
    found = crop(frame, (3.0, 4.0, 2.0, 2.0), size=6, margin=1.0)
    expected = frame[4:6, 3:5].repeat(3, 0).repeat(3, 1).transpose(2, 0, 1) / 255
    np.testing.assert_allclose(found, expected, atol=EXACT)


def test_a_uint8_frame_and_its_float_give_the_same() -> None:
    frame = np.random.default_rng(1).integers(0, 256, (30, 40, 3)).astype(np.uint8)
    box = (3.3, 4.7, 20.2, 18.1)
    whole = crop(frame, box, size=5)
    np.testing.assert_allclose(whole, crop(frame / 255, box, size=5), atol=EXACT)


@pytest.mark.parametrize(
    "box", [(0.0, 0.0, 0.0, 5.0), (0.0, 0.0, 5.0, -1.0), (math.nan, 0.0, 5.0, 5.0)]
)
def test_a_box_without_area_is_refused(box: tuple[float, float, float, float]) -> None:
    with pytest.raises(ParameterError, match="box is"):
        crop(np.zeros((9, 9, 3), np.uint8), box, size=4)


def test_wrong_sizes_and_empty_frames_are_refused() -> None:
    frame = np.zeros((9, 9, 3), np.uint8)
    with pytest.raises(ParameterError, match="size is 0"):
        crop(frame, (0.0, 0.0, 4.0, 4.0), size=0)
    with pytest.raises(ParameterError, match="margin 0"):
        crop(frame, (0.0, 0.0, 4.0, 4.0), size=4, margin=0.0)
    with pytest.raises(ShapeError, match="no pixel"):
        crop(np.zeros((0, 9, 3), np.uint8), (0.0, 0.0, 4.0, 4.0), size=4)
