"""The scalars that were drawn for a clip, by name, beyond those of its pulse and its skin."""

from pulsephase.synthetic.draw import Drawn

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
