"""What each number of a configuration may be at most: beyond it a clip is no picture of anything.

The limits are wide on purpose. They keep out what physics, arithmetic or the small-signal forms of
the renderer do not allow, not what is merely unusual; the ranges of the presets are far inside.
"""

import math
from collections.abc import Iterable
from dataclasses import fields
from numbers import Real

from pulsephase.errors import ParameterError, SamplingError

Range = tuple[float, float]

LARGEST_SIDE = 4096  # of a crop or a scene, in pixels
LONGEST_S = 3600.0
MOST_FRAMES = 1_000_000

# By record and field. The lower one is positive where numbers are drawn in their logarithm.
LIMITS: dict[str, dict[str, Range]] = {
    "PulseRanges": {
        "heart_rate_bpm": (10.0, 600.0),
        "respiratory_depth": (0.0, 0.9),
        "mayer_depth": (0.0, 0.9),
        "drift": (0.0, 0.9),
        "jitter": (0.0, 0.2),  # beyond, beats overtake each other
        "natural_hz": (0.01, 100.0),
        "damping": (1e-3, 100.0),
        "reflection": (0.0, 1.0),
        "reflection_delay_s": (0.0, 2.0),
        "breathing_hz": (0.01, 2.0),
        "amplitude": (1e-9, 0.5),
        "warm_up_s": (1.0, 600.0),
    },
    "SkinRanges": {
        "melanin": (1e-4, 1.0),
        "blood": (1e-4, 0.5),
        "oxygenation": (0.0, 1.0),
        "direction_spread": (0.0, 2.0),
    },
    "FaceRanges": {
        "fill": (0.05, 3.0),
        "delay_s": (0.0, 0.2),  # beats are known a second beyond the clip
        "perfusion_spread": (0.0, 10.0),
    },
    "MotionRanges": {
        "scale": (1e-9, 10.0),
        "yaw_rest_rad": (-math.pi / 2, math.pi / 2),
        "pitch_rest_rad": (-math.pi / 2, math.pi / 2),
        "rhythmic_hz": (0.0, 1000.0),
    },
    "LightRanges": {
        "temperature_k": (1000.0, 40_000.0),
        "drift": (1e-9, 1.0),
        "flicker_hz": (0.0, 1000.0),
        "flicker": (1e-9, 1.0),
        "flicker_tint": (-1.0, 2.0),  # green does not flicker, or it alone does
        "screen": (1e-9, 1.0),
        "gloss": (0.0, 10.0),
    },
    "BackgroundRanges": {"brightness": (0.0, 10.0)},
    "CameraRanges": {
        "exposure": (1e-3, 1.0),
        "white_balance_drift": (0.0, 0.5),
        "crosstalk": (0.0, 1.0),
        "noise": (1e-12, 1.0),
        "gamma": (0.2, 5.0),
        "fixed_gain": (0.0, 1e6),
        "time_jitter": (0.0, 0.499),  # below one half, so that times rise
        "exposure_drift": (0.0, 0.5),
        "shake_px": (0.0, 20.0),
    },
    "CodecRanges": {"step": (1e-3, 255.0)},
}


def check_ranges(record: object) -> None:
    """Raise unless every number of a layer's record is possible.

    Raises:
        ParameterError: Naming the field, what it is, and what it may be.
    """
    layer = type(record).__name__
    for entry in fields(record):  # type: ignore[arg-type]
        value = getattr(record, entry.name)
        name = f"{layer}.{entry.name}"
        limits = LIMITS.get(layer, {}).get(entry.name)
        if entry.name.endswith("probability"):
            if not 0 <= _number(name, value) <= 1:
                raise ParameterError(f"{name} is {value}; a probability lies in 0..1")
        elif limits is not None and isinstance(entry.default, tuple):
            _check_range(name, value, limits)
        elif limits is not None:
            _check_within(name, value, limits, [value])


def check_extent(*, size: object, frames: object, sample_hz: object) -> None:
    """Raise unless a clip can have this size and length.

    Raises:
        ParameterError: If size or frames are no whole numbers within bounds, or a clip lasts longer
            than an hour.
        SamplingError: If the rate is not finite and positive.
    """
    if not isinstance(size, int) or not 8 <= size <= LARGEST_SIDE or size % 4:
        raise ParameterError(
            f"size is {size!r} px; give a multiple of 4, at least 8 and at most {LARGEST_SIDE}"
        )
    if not isinstance(frames, int) or not 2 <= frames <= MOST_FRAMES:
        raise ParameterError(
            f"frames is {frames!r}; a clip has a whole number, at least 2 and at most {MOST_FRAMES}"
        )
    rate = _number("sample_hz", sample_hz)
    if not 0 < rate < math.inf:
        raise SamplingError(f"sample_hz is {sample_hz}; it must be finite and above 0 Hz")
    if frames / rate > LONGEST_S:
        raise ParameterError(
            f"{frames} frames at {rate:g} Hz last {frames / rate:g} s; a clip lasts at most "
            f"{LONGEST_S:g} s: make several"
        )


def _number(name: str, value: object) -> float:
    if not isinstance(value, Real):
        raise ParameterError(f"{name} is {value!r}; give a number")
    return float(value)


def _check_range(name: str, value: object, limits: Range) -> None:
    if not isinstance(value, tuple) or len(value) != 2:
        raise ParameterError(f"{name} is {value!r}; give a pair (low, high)")
    low, high = (_number(name, end) for end in value)
    if low > high:
        raise ParameterError(f"{name} is {value}; the low end must not exceed the high one")
    _check_within(name, value, limits, value)


def _check_within(name: str, value: object, limits: Range, numbers: Iterable[object]) -> None:
    low, high = limits
    found = [_number(name, number) for number in numbers]
    if not all(low <= number <= high for number in found):  # a NaN is in no interval
        raise ParameterError(f"{name} is {value}; it must lie within {low:g} to {high:g}")
