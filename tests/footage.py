"""Footage with a face that the tests can follow: a red patch with a texture, on a grey wall."""

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from pulsephase.video.clip import Clip

Frame = NDArray[np.uint8]


def texture(side: int, seed: int) -> NDArray[np.float32]:
    """Return smooth blobs in 0..1."""
    noise = np.random.default_rng(seed).random((side, side)).astype(np.float32)
    blobs = cv2.GaussianBlur(noise, (0, 0), 2)
    return np.asarray((blobs - blobs.min()) / np.ptp(blobs))


def wall(height: int = 240, width: int = 320) -> Frame:
    """Return a grey wall with texture."""
    grey = 60 + 60 * texture(max(height, width), 99)[:height, :width]
    return np.repeat(grey[..., None], 3, 2).astype(np.uint8)


def paint(
    frame: Frame, x: float, y: float, side: float, *, seed: int = 0, plain: bool = False
) -> Frame:
    """Return the frame with a face of this side, its left upper corner at x, y (between pixels)."""
    patch = texture(80, seed) if not plain else np.full((80, 80), 0.5, np.float32)
    face = np.stack([200 + 0 * patch, 40 + 150 * patch, 30 + 0 * patch], 2)
    move = np.array([[side / 80, 0, x + side / 160 - 0.5], [0, side / 80, y + side / 160 - 0.5]])
    size = (frame.shape[1], frame.shape[0])
    drawn = cv2.warpAffine(face, move, size)
    cover = cv2.warpAffine(np.ones_like(face), move, size)
    return np.asarray(cover * drawn + (1 - cover) * frame).round().astype(np.uint8)


class RedFaces:
    """A detector of such faces, whose boxes tremble as a real one's do; it counts its looks."""

    def __init__(self, tremble: float = 0.0, seed: int = 0) -> None:
        self.tremble, self.random, self.looks = tremble, np.random.default_rng(seed), 0
        self.closed = False

    def __call__(self, frame: Frame) -> NDArray[np.float64]:
        """Return the boxes of what is red."""
        self.looks += 1
        if self.closed:
            return np.empty((0, 4))
        red = (frame[..., 0] > 150) & (frame[..., 2] < 60)
        boxes = cv2.connectedComponentsWithStats(red.astype(np.uint8))[2][1:, :4]
        boxes = boxes[boxes[:, 2] > 15].astype(np.float64)
        return boxes + self.tremble * boxes[:, 2:3] * self.random.standard_normal(boxes.shape)


def clip_of(frames: list[Frame], sample_hz: float, *, start_s: float = 0.0) -> Clip:
    """Return frames as one clip."""
    return Clip(
        frames=torch.from_numpy(np.stack(frames)).permute(0, 3, 1, 2),
        times_s=start_s + torch.arange(len(frames), dtype=torch.float64) / sample_hz,
    )
