"""All that is known of a clip beside its pixels; and the clip again from its manifest."""

from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from pulsephase.errors import InputError
from pulsephase.files import read_json
from pulsephase.machine import one_thread
from pulsephase.synthetic.config import SynthConfig
from pulsephase.synthetic.draw import Drawn, draw_clip
from pulsephase.synthetic.face import grid_lines
from pulsephase.synthetic.pulse import impulses_of
from pulsephase.synthetic.render import parts, render
from pulsephase.synthetic.scene import around, render_scene, stage
from pulsephase.synthetic.shade import WHOLE, prepare
from pulsephase.synthetic.surface import project, seen
from pulsephase.video.clip import Clip


def draws_of(seed: int, config: SynthConfig, *, scene: tuple[int, int] | None = None) -> Drawn:
    """Return what is drawn for a crop, or for a scene of a width and a height."""
    if scene is None:
        return draw_clip(seed, config, height=config.size, width=config.size)
    return stage(seed, config, height=scene[1], width=scene[0])


def tracks_of(drawn: Drawn) -> dict[str, Float[np.ndarray, "..."]]:
    """Return the truth of a clip that is no label of its video, by name, with units in the names.

    Pulse and forcing are in units of the standard deviation of the pulse, zeros where the clip has
    none. With a sampled forcing, ``forcing_times_s`` and ``forcing`` are samples, else impulses
    (reflections among them). ``repeated_frames`` are the indices of frames that show the one before
    once more; tracks and labels are those of the frame that was due. ``missing_frames`` counts
    what is missing before each frame. ``lamps_towards`` are unit vectors (right, down, to the
    camera), ``head_half_axes`` in half heights at fill 1.
    """
    pulse, alive = drawn.pulse, float(drawn.alive)
    if pulse.held is None:
        forcing_times_s, forcing = impulses_of(pulse)
    else:
        forcing = pulse.held.values
        steps = torch.arange(len(forcing), dtype=torch.float64)
        forcing_times_s = pulse.held.start_s + pulse.held.step_s * steps
    found = {
        "pulse_velocity_per_s": pulse.dz * alive,
        "pulse_acceleration_per_s2": pulse.ddz * alive,
        "forcing_times_s": forcing_times_s,
        "forcing": forcing * alive,
        "respiration": pulse.respiration,
        "light_rgb": drawn.light.tracks.permute(2, 0, 1),
        "camera_gain_rgb": drawn.camera.balance.T,
        "pose_rad_rad_rad_half_half_log": drawn.motion.pose.T,
        "lids_shut": drawn.motion.blink,
        "mouth_open": drawn.motion.talk,
        "lamps_towards": drawn.light.towards,
        "head_half_axes": drawn.face.axes,
        "hair_rgb": drawn.face.hair_rgb,
        "colour_matrix": drawn.camera.matrix,
        "repeated_frames": drawn.camera.repeated.nonzero()[:, 0],
        "missing_frames": drawn.missing,
        "shake_px": torch.zeros(len(pulse.z), 2) if drawn.shake is None else drawn.shake.T,
    }
    return {name: value.double().numpy() for name, value in found.items()}


@one_thread()
def perfusion_map(
    seed: int, config: SynthConfig, *, scene: tuple[int, int] | None = None
) -> Float[Tensor, "time height width"]:
    """Return how strongly each pixel pulses, against the mean of the skin's map.

    The relative change of a pixel's skin light is this map times the pulse times the amplitude
    (before transit delay, sheen and the camera); zero off the skin.

    Args:
        seed: Of the clip.
        config: What it was rendered with.
        scene: Width and height of a scene; none for a crop.
    """
    drawn = draws_of(seed, config, scene=scene)
    staged, (height, width) = prepare(drawn), drawn.background.shape[1:]
    across, down = grid_lines(height, width)
    found = torch.zeros(config.frames, height, width)
    for part in parts(config.frames, height * width):
        rows, columns = WHOLE if scene is None else around(drawn, part)
        surface = project(staged.rays, part, across=across[columns], down=down[rows])
        maps = seen(staged.maps[:7], surface)
        found[part, rows, columns] = maps[3] * (1 - maps[6]) * surface.mask
    if not drawn.camera.repeated.any():
        return found
    shown = torch.where(drawn.camera.repeated, 0, torch.arange(config.frames)).cummax(0).values
    return found[shown]


def clip_again(folder: str | Path, seed: int) -> Clip:
    """Render a clip of a folder once more, from what its manifest holds.

    Raises:
        InputError: If there is no manifest, or it holds no clip of that seed.
    """
    path = Path(folder) / "manifest.json"
    try:
        manifest = read_json(path)
        seeds = [row["seed"] for row in manifest["clips"]]
        config = config_of(manifest["request"]["config"])
        scene, device = manifest["request"]["scene"], manifest["request"].get("device", "cpu")
    except (OSError, ValueError, TypeError, KeyError):
        raise InputError(f"{path} is no manifest of synthetic clips; name such a folder") from None
    if seed not in seeds:
        raise InputError(f"seed is {seed}; the clips of {folder} have {seeds}")
    if scene is None:
        return render(seed, config, device=device)
    return render_scene(seed, config, width=scene[0], height=scene[1], device=device)


def config_of(values: Mapping[str, Any]) -> SynthConfig:
    """Return a config from the JSON of its manifest."""
    made: SynthConfig = _record(SynthConfig, values)
    return made


def _record(kind: Any, values: Mapping[str, Any]) -> Any:
    arguments = {}
    for entry in fields(kind):
        if entry.name not in values:  # written before there was such a setting
            continue
        value = values[entry.name]
        inner = entry.default_factory
        if inner is not MISSING and is_dataclass(inner):
            value = _record(inner, value)
        arguments[entry.name] = tuple(value) if isinstance(value, list) else value
    return kind(**arguments)
