"""Named difficulties of the generator."""

from dataclasses import replace

from pulsephase.errors import ParameterError
from pulsephase.synthetic.config import (
    CameraRanges,
    CodecRanges,
    LightRanges,
    MotionRanges,
    PulseRanges,
    SkinRanges,
    SynthConfig,
)
from pulsephase.synthetic.limits import LONGEST_S

_STILL = MotionRanges(
    scale=(0.005, 0.02),
    rhythmic_probability=0.0,
    drift_probability=0.0,
    bob_probability=0.0,
    talking_probability=0.0,
)
_STEADY = LightRanges(drift=(0.0005, 0.003), flicker_probability=0.0, screen_probability=0.0)
_CLEAN = CameraRanges(noise=(1e-5, 1e-4), repeat_probability=0.0, white_balance_drift=0.0)
_NO_CODEC = CodecRanges(probability=0.0)
_BUSY_LIGHT = LightRanges(
    drift=(0.002, 0.2),
    flicker_probability=0.6,
    flicker=(0.002, 0.06),
    screen_probability=0.5,
)
_ALL_SKINS = SkinRanges(melanin=(0.05, 0.43), direction_spread=0.3)

PRESETS = {
    # Everything varies: what networks are pretrained on.
    "full": SynthConfig(),
    # `full` without the screen lamp: cleaner to learn from in few steps.
    "lamps": SynthConfig(light=LightRanges(screen_probability=0.0)),
    # Still, clean, strong: what a network must not be trained on alone.
    "naive": SynthConfig(
        pulse=PulseRanges(amplitude=(0.01, 0.03)),
        motion=_STILL,
        light=_STEADY,
        camera=_CLEAN,
        codec=_NO_CODEC,
    ),
    # A good recording: little motion, good light, a clear pulse.
    "easy": SynthConfig(
        pulse=PulseRanges(amplitude=(0.008, 0.012)),
        skin=SkinRanges(melanin=(0.01, 0.15)),
        motion=replace(_STILL, scale=(0.02, 0.08), yaw_rest_rad=(-0.1, 0.1)),
        light=_STEADY,
        camera=CameraRanges(noise=(0.0005, 0.003), repeat_probability=0.0),
        codec=_NO_CODEC,
    ),
    # Full ranges but no motion and steady light.
    "static": SynthConfig(motion=_STILL, light=_STEADY),
    # Full ranges but no sensor noise and no codec.
    "noiseless": SynthConfig(camera=CameraRanges(noise=_CLEAN.noise), codec=_NO_CODEC),
    # Lamps flicker green or magenta at heart-rate frequencies in most clips, on faces of every
    # colour that move a little: a method that expects light to be white, or warm and cold, reads
    # the lamp. One mixture of the colours still brings out the pulse, for who knows its direction
    # (the oracle of `experiments/difficulty.py`).
    "hard": SynthConfig(
        pulse=PulseRanges(heart_rate_bpm=(40.0, 195.0), amplitude=(2e-3, 8e-3)),
        skin=_ALL_SKINS,
        motion=MotionRanges(scale=(0.03, 0.3), rhythmic_probability=0.5, drift_probability=0.0),
        light=LightRanges(
            drift=(0.002, 0.1),
            flicker_probability=0.9,
            flicker_hz=(0.6, 4.0),
            flicker=(0.01, 0.06),
            flicker_tint=(-0.4, 0.4),
            screen_probability=0.2,
            screen=(0.002, 0.02),
        ),
        camera=CameraRanges(noise=(5e-4, 4e-3), white_balance_drift=0.01),
        codec=CodecRanges(probability=0.3, step=(0.25, 1.5)),
    ),
    # More of everything that hurts, at once, on weak pulses: who knows all movement and light still
    # finds the pulse, but no one mixture of the colours brings it out.
    "rough": SynthConfig(
        pulse=PulseRanges(
            heart_rate_bpm=(40.0, 195.0),
            amplitude=(5e-4, 5e-3),
            respiratory_depth=(0.0, 0.12),
        ),
        skin=_ALL_SKINS,
        motion=MotionRanges(
            scale=(0.1, 2.0),
            yaw_rest_rad=(-0.7, 0.7),
            rhythmic_probability=0.6,
            drift_probability=0.3,
        ),
        light=replace(_BUSY_LIGHT, flicker_probability=0.7, screen_probability=0.75),
        camera=CameraRanges(noise=(0.001, 0.012), white_balance_drift=0.01),
        codec=CodecRanges(probability=0.7, step=(0.25, 3.0)),
    ),
    # No pulse in the skin: what a method reads from its colour is wrong. The hidden pulse still
    # moves the head in a fifth of the clips (the bob), so that its rate is not wholly absent.
    "null": SynthConfig(no_pulse_probability=1.0),
    # Natural frequency and damping independent of the heart rate, two real poles included.
    "vessel": SynthConfig(
        pulse=PulseRanges(
            natural_hz=(0.7, 8.0),
            damping=(0.1, 15.0),
            follows_heart=False,
            warm_up_s=60.0,  # the slowest pole, 0.7 Hz at damping 15, remembers 7 s
        )
    ),
}


# One difficulty at a time: `easy` with one layer of `rough`, or one fault beyond it.
_EASY, _ROUGH = PRESETS["easy"], PRESETS["rough"]
PRESETS |= {
    "motion": replace(_EASY, motion=_ROUGH.motion),
    "light": replace(_EASY, light=_BUSY_LIGHT),
    "skin": replace(_EASY, skin=_ROUGH.skin),
    "noise": replace(_EASY, camera=replace(_EASY.camera, noise=(0.001, 0.03))),
    "compression": replace(_EASY, codec=CodecRanges(probability=0.8, step=(0.25, 6.0))),
    "jitter": replace(_EASY, camera=replace(_EASY.camera, time_jitter=0.4)),
    "rate": replace(_EASY, pulse=replace(_EASY.pulse, heart_rate_bpm=(38.0, 200.0))),
}


def preset(name: str, *, seconds: float | None = None) -> SynthConfig:
    """Return a preset by name, by default with clips of 10 s at 30 Hz and 36 px.

    Raises:
        ParameterError: If there is none of that name, or a duration holds fewer than two frames.
    """
    if name not in PRESETS:
        raise ParameterError(f"no preset {name!r}; there are {', '.join(PRESETS)}")
    config = PRESETS[name]
    if seconds is None:
        return config
    if not 2 / config.sample_hz <= seconds <= LONGEST_S:
        raise ParameterError(
            f"seconds is {seconds}; give from two frames, {2 / config.sample_hz:.3g}, to an hour, "
            f"{LONGEST_S:g}"
        )
    return replace(config, frames=round(seconds * config.sample_hz))
