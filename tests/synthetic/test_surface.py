"""The head's surface by one matrix product, against rays that are followed one by one."""

import math
from functools import partial

import pytest
import torch
from scipy.spatial.transform import Rotation

from pulsephase.synthetic.config import SynthConfig
from pulsephase.synthetic.face import Face, grid_lines, sample_face
from pulsephase.synthetic.surface import cast, project, seen

POSES = torch.tensor(
    [[0.4, -0.2, 0.1, 0.1, -0.05, 0.1], [-0.7, 0.3, -0.2, -0.2, 0.1, -0.2], [0.0] * 6],
    dtype=torch.float64,
).T
TOWARDS = torch.tensor([[0.6, -0.64, 0.48], [0.0, 0.0, 1.0]], dtype=torch.float64)


close = partial(torch.testing.assert_close, rtol=0.0, atol=2e-4)


def follow(
    face: Face, pose: list[float], across: float, down: float
) -> tuple[torch.Tensor, torch.Tensor] | None:
    """Return where a ray along the camera's axis hits the posed ellipsoid, and the normal there."""
    yaw, pitch, roll, right, drop, zoom = pose
    # From the head to the camera: pitch about its x axis, yaw about y, roll about z.
    turn = torch.from_numpy(Rotation.from_euler("ZYX", [roll, yaw, -pitch]).as_matrix())
    scale = math.exp(-zoom) / face.fill
    foot = turn.T @ torch.tensor([(across - right) * scale, (down - drop) * scale, 0.0]).double()
    ray = turn.T @ torch.tensor([0.0, 0.0, 1.0], dtype=torch.float64)
    inverse = 1 / face.axes.square()
    a, b = (ray * ray * inverse).sum(), (foot * ray * inverse).sum()
    c = (foot * foot * inverse).sum() - 1
    if b * b < a * c:
        return None
    point = foot + ((b * b - a * c).sqrt() - b) / a * ray
    normal = turn @ (point * inverse)
    return point, normal / normal.norm()


@pytest.mark.parametrize("seed", [0, 1])
def test_points_and_normals_are_those_of_the_ray_to_each_pixel(seed: int) -> None:
    face = sample_face(seed, SynthConfig().face)
    across, down = grid_lines(14, 18)
    surface = project(cast(face, POSES, TOWARDS), slice(0, 3), across=across, down=down)
    hits = 0
    for frame, pose in enumerate(POSES.T.tolist()):
        for i, y in enumerate(down.tolist()):
            for j, x in enumerate(across.tolist()):
                found = follow(face, pose, x, y)
                assert (surface.mask[frame, i, j] > 0.5) == (found is not None)
                if found is None:
                    continue
                hits += 1
                point, normal = found
                wide, high, deep = face.axes
                angle = torch.atan2(point[0] / wide, (point[2] / deep).clamp(min=0.05))
                place = torch.stack([angle * 2 / math.pi, point[1] / high]).float()
                close(surface.where[frame, i, j], place)
                close(surface.facing[:, frame, i, j], (TOWARDS @ normal).clamp(min=0).float())
    assert hits > 150


def test_a_part_of_the_frames_is_what_all_of_them_hold() -> None:
    face = sample_face(2, SynthConfig().face)
    across, down = grid_lines(9, 9)
    rays = cast(face, POSES, TOWARDS)
    whole = project(rays, slice(0, 3), across=across, down=down)
    one = project(rays, slice(1, 2), across=across[2:], down=down[3:])
    torch.testing.assert_close(one.mask[0], whole.mask[1, 3:, 2:])
    torch.testing.assert_close(seen(face.maps, one)[:, 0], seen(face.maps, whole)[:, 1, 3:, 2:])
