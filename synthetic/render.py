"""One clip from one seed: draw each layer, then render, without a loop over frames.

The scalars that were drawn are kept by name.
"""

from dataclasses import replace

import torch
from jaxtyping import Float, Num
from torch import Tensor

from pulsephase.machine import one_thread
from pulsephase.synthetic.camera import block_means, compress, gain_of, levels_of, rounded
from pulsephase.synthetic.config import SynthConfig
from pulsephase.synthetic.draw import Drawn, draw_clip, usable
from pulsephase.synthetic.shade import prepare, shade
from pulsephase.synthetic.streams import Stream
from pulsephase.video.clip import Clip, Truth

HOLDS = {"zero": 1.0, "first": 2.0}
COLOURS = ("red", "green", "blue")


def further_parameters(drawn: Drawn) -> dict[str, float]:
    """Return them with their units in the names.

    ``pulse_mean`` is what was taken from z, in its unit: z plus the mean answers the forcing.
    ``forcing_hold`` is 0 where impulses drive the oscillator, 1 and 2 where samples do that are
    held to order zero and one. The skin's colour is linear, and its direction the change of the
    logarithm of that colour a unit of blood volume. Lengths of the head are in half heights.
    """
    pulse, skin, light, camera = drawn.pulse, drawn.skin, drawn.light, drawn.camera
    return {
        "pulse_mean": pulse.mean,
        "forcing_hold": HOLDS[pulse.held.hold] if pulse.held else 0.0,
        **_by_colour("skin", skin.base.tolist()),
        **_by_colour("direction", skin.direction.tolist()),
        "head_fill": drawn.face.fill,
        "rhythmic_motion": drawn.motion.rhythm,
        "head_sway": drawn.motion.sway,
        "bob_half_heights": drawn.motion.bob,
        "light_drift": light.drift,
        "flicker": light.flicker,
        "flicker_tint": light.tint,
        "screen": light.screen,
        "gloss": light.gloss,
        "shine": light.shine,
        "mover": float(drawn.mover is not None),
        "exposure": camera.exposure,
        "fixed_gain": camera.fixed_gain,
        "white_balance_drift": camera.balance_drift,
        "exposure_drift": camera.exposure_drift,
        "crosstalk": camera.crosstalk,
        "quantised": float(camera.quantised),
        "repeated_frames": float(camera.repeated.sum()),
        "dropped_frames": float(drawn.missing.sum()),
    }


def _by_colour(name: str, values: list[float]) -> dict[str, float]:
    return {f"{name}_{colour}": value for colour, value in zip(COLOURS, values, strict=True)}


PIXELS_AT_ONCE = 40_000  # a few such maps stay in the cache of one core
DEVICE_PIXELS_AT_ONCE = 8_000_000  # another device wants much work at a time
# The face box against the ellipsoid's half axes, and the depth at which features lie: fitted to
# what a frontal detector boxes in scenes.
BOX_WIDTH, BOX_HEIGHT, BOX_DOWN, FEATURES_DEEP = 1.75, 1.36, 0.05, 0.9


def render(seed: int, config: SynthConfig, *, device: torch.device | str = "cpu") -> Clip:
    """Render a clip: the same seed and config give the same clip, to the bit, on one CPU.

    It is done on one thread of torch, whatever number is set: a clip does not depend on it.

    Args:
        seed: Of the clip, at least 0.
        config: What may vary.
        device: Where the pixels are worked out and the frames end up. All but the noise of the
            pixels is drawn on the CPU; on another device that noise is another of the same law.

    Returns:
        Frames in 0..1, times, pulse (zero mean, unit standard deviation, rising with blood volume;
        zeros where the clip has none), face boxes in pixels of the crop, and the truth.

    Raises:
        ParameterError: If the seed is negative or the device cannot be used.
    """
    return _render(seed, config, usable(device), masks=None)


def render_with_maps(seed: int, config: SynthConfig, *, device: torch.device | str = "cpu") -> Clip:
    """Render a clip whose truth also holds the skin mask of each frame, the share in 0..1."""
    where = usable(device)
    masks = torch.empty(config.frames, config.size, config.size, device=where)
    clip = _render(seed, config, where, masks=masks)
    assert clip.truth is not None
    return replace(clip, truth=replace(clip.truth, skin_mask=masks))


@one_thread()
def _render(
    seed: int,
    config: SynthConfig,
    device: torch.device,
    *,
    masks: Float[Tensor, "time height width"] | None,
) -> Clip:
    """Render a clip, and put its skin masks where somebody asks for them.

    A stretch of frames goes from light to numbers while it is in the cache, and nothing is kept for
    gradients. What leaves is made outside: a network may be trained on it.
    """
    size = config.size
    frames = torch.empty(config.frames, 3, size, size, device=device)
    with torch.inference_mode():
        drawn = draw_clip(seed, config, height=size, width=size)
        _develop(drawn, frames, masks)
        if drawn.camera.repeated.any():
            shown = torch.where(drawn.camera.repeated, 0, torch.arange(config.frames))
            shown = shown.cummax(0).values.to(device)
            frames.copy_(frames[shown])
            if masks is not None:
                masks.copy_(masks[shown])
    return clip_of(drawn, frames, slice(0, config.frames))


def _develop(
    drawn: Drawn,
    frames: Float[Tensor, "time 3 height width"],
    masks: Float[Tensor, "time height width"] | None,
) -> None:
    """Fill the frames of a clip, and its masks, one stretch after the other."""
    device, camera = frames.device, drawn.camera
    staged = prepare(drawn, device)
    noise, dither = (Stream(drawn.seed, layer, device=device) for layer in ("noise", "dither"))
    gain, first = camera.fixed_gain, torch.empty(0)
    at_once = PIXELS_AT_ONCE if device.type == "cpu" else DEVICE_PIXELS_AT_ONCE
    for part in parts(len(frames), frames[0, 0].numel(), at_once=at_once):
        linear, skin = shade(staged, part)
        gain = gain or gain_of(linear[:, 0], skin[0], camera)
        levels = levels_of(linear, camera, part, gain=gain, noise=noise, out=frames[part])
        if camera.step > 0:
            first = block_means(levels[:1]) if part.start == 0 else first
            compress(levels, first, step=camera.step)
        if camera.quantised:
            rounded(levels, dither)
        levels.clamp_(0, 255).mul_(1 / 255)
        if masks is not None:
            masks[part] = skin.clamp(0, 1)


def parts(frames: int, pixels: int, *, at_once: int = PIXELS_AT_ONCE) -> list[slice]:
    """Return stretches of frames, each small enough for one core's cache."""
    length = max(1, at_once // pixels)
    return [slice(at, min(at + length, frames)) for at in range(0, frames, length)]


def clip_of(drawn: Drawn, frames: Num[Tensor, "time 3 height width"], part: slice) -> Clip:
    """Put frames together with their truth."""
    return Clip(
        frames=frames,
        times_s=drawn.times_s[part].clone(),
        pulse=(drawn.pulse.z[part] * drawn.alive).float(),
        boxes=_boxes(drawn, part, *frames.shape[2:]),
        source=f"synthetic seed {drawn.seed}",
        truth=_truth(drawn, part),
    )


def _boxes(drawn: Drawn, part: slice, height: int, width: int) -> Float[Tensor, "time 4"]:
    """Return the box from the forehead to below the mouth, cheek to cheek, in pixels.

    Where the head turns, the box goes with the features.
    """
    yaw, pitch, _, right, down, zoom = drawn.motion.pose[:, part]
    half = height / 2
    scale = drawn.face.fill * zoom.exp() * half
    wide, high, deep = (float(axis) for axis in drawn.face.axes)
    box_width, box_height = BOX_WIDTH * wide * scale, BOX_HEIGHT * high * scale
    aside = FEATURES_DEEP * deep * yaw.sin() * scale
    below = (FEATURES_DEEP * deep * pitch.sin() + BOX_DOWN * high) * scale
    left = width / 2 + right * half + aside - box_width / 2
    top = height / 2 + down * half + below - box_height / 2
    return torch.stack([left, top, box_width, box_height], 1).float()


def _truth(drawn: Drawn, part: slice) -> Truth:
    pulse, skin, times_s = drawn.pulse, drawn.skin, drawn.times_s
    inside = pulse.beat_times_s >= times_s[part.start]
    if part.stop < len(times_s):  # a beat between two stretches belongs to the first
        inside &= pulse.beat_times_s < times_s[part.stop]
    else:
        inside &= pulse.beat_times_s <= times_s[-1]
    return Truth(
        heart_rate_bpm=pulse.heart_rate_bpm[part].clone(),
        beat_times_s=pulse.beat_times_s[inside],
        parameters={
            "has_pulse": float(drawn.alive),
            "amplitude": pulse.amplitude,
            "alpha_per_s": pulse.alpha,
            "omega_rad_per_s": pulse.omega,
            "reflection": pulse.reflection,
            "reflection_delay_s": pulse.reflection_delay_s,
            "breathing_hz": pulse.breathing_hz,
            "ectopic_beats": float(pulse.ectopic),
            "glasses": float(drawn.face.glasses),
            "strand": float(drawn.face.strand),
            "melanin": skin.melanin,
            "blood": skin.blood,
            "oxygenation": skin.oxygenation,
            "motion_scale": drawn.motion.scale,
            "rhythmic_motion_hz": drawn.motion.rhythmic_hz,
            "flicker_hz": drawn.light.flicker_hz,
            "noise": drawn.camera.noise,
            "gamma": drawn.camera.gamma,
            "codec_step_levels": drawn.camera.step,
            **further_parameters(drawn),
        },
    )
