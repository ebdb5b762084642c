"""``pulsephase kernel``: the causal kernel of an oscillator at a camera's rate."""

from fractions import Fraction
from typing import Any

import click

from pulsephase.commands.common import emit, shared_options

SCHEMES = {
    "zoh": "zero_order",
    "foh": "first_order",
    "tustin": "tustin",
    "published": "semi_implicit",
    "implicit": "semi_implicit_damping",
    "backward": "backward",
    "forward": "forward",
}
WIDTH = 60  # characters of the plot


@click.command("kernel")
@click.option("--hz", required=True, type=float, help="Undamped frequency of the oscillator.")
@click.option("--damping", required=True, type=float, help="Damping ratio; above 1 it creeps.")
@click.option("--fps", default=30.0, show_default=True, help="Frames per second.")
@click.option("--exposure", default=0.0, show_default=True, help="Exposure in s (zoh only).")
@click.option("--readout", default=0.0, show_default=True, help="Rolling shutter, s (zoh only).")
@click.option("--velocity", is_flag=True, help="What a network fed with velocity sees (zoh only).")
@click.option("--scheme", type=click.Choice(sorted(SCHEMES)), default="zoh", show_default=True)
@click.option("--tolerance", default=0.01, show_default=True, help="Share of the tail left out.")
@click.option("--plot", is_flag=True, help="Draw the taps as text.")
@shared_options
def command(
    hz: float,
    damping: float,
    fps: float,
    exposure: float,
    readout: float,
    velocity: bool,
    scheme: str,
    tolerance: float,
    plot: bool,
    as_json: bool,
    device: str,
) -> int:
    """Print the taps of an oscillator's kernel, its length and the layers that hold it.

    Example: pulsephase kernel --hz 1.6 --damping 0.3 --fps 30 --exposure 0.01 --plot
    """
    from pulsephase.errors import ParameterError
    from pulsephase.physics.camera import CameraTiming, camera_kernel
    from pulsephase.physics.discretisation import Discretisation
    from pulsephase.physics.kernels import kernel
    from pulsephase.physics.oscillator import Oscillator
    from pulsephase.physics.truncation import layers_needed, minimal_taps

    mode = Oscillator.from_natural_hz(hz, damping=damping)
    camera = CameraTiming(exposure_s=exposure, readout_s=readout)
    if scheme != "zoh" and (exposure > 0 or readout > 0 or velocity):
        raise ParameterError(
            f"--scheme {scheme} has no exposure, readout or velocity; use zoh, which is exact"
        )
    chosen: Any = SCHEMES[scheme]
    law = Discretisation(oscillator=mode, scheme=chosen, step_s=1 / fps)
    law.require_stable()
    count = minimal_taps(law, tolerance=tolerance)
    if scheme == "zoh":
        seen: Any = "velocity" if velocity else "position"
        taps = camera_kernel(mode, camera, sample_hz=fps, taps=count, seen=seen)
    else:
        taps = kernel(law, taps=count)
    values = [float(tap) for tap in mode.omega_rad_s**2 * taps]
    certified = _certified(mode, chosen, fps, tolerance)
    layers = {size: layers_needed(count, kernel_size=size) for size in (2, 3)}
    if as_json:
        emit(
            {
                "natural_hz": hz,
                "damping": damping,
                "fps": fps,
                "scheme": chosen,
                "exposure_s": exposure,
                "readout_s": readout,
                "taps": values,
                "length": count,
                "certified_length": certified,
                "layers_of_two_taps": layers[2],
                "layers_of_three_taps": layers[3],
                "delay_s": camera.delay_s,
            }
        )
        return 0
    proof = f"certified {certified}" if certified is not None else "not certified"
    click.echo(
        f"{len(values)} taps hold all but {100 * tolerance:g} % of the kernel ({proof}, exposure "
        f"apart); receptive field of {layers[2]} layers of 2 taps, or {layers[3]} of 3"
    )
    if camera.delay_s > 0:
        click.echo(f"the camera delays by {1e3 * camera.delay_s:.1f} ms")
    if plot:
        click.echo(_plot(values))
    else:
        click.echo(" ".join(f"{value:.6g}" for value in values))
    return 0


def _certified(mode: Any, scheme: Any, fps: float, tolerance: float) -> int | None:
    """Return the certified length, or none where the scheme or the package does not allow it."""
    from pulsephase.errors import MissingExtraError, ParameterError
    from pulsephase.physics.certify import RationalMode, certified_minimal_taps

    if scheme not in ("zero_order", "semi_implicit", "semi_implicit_damping"):
        return None
    try:
        rational = RationalMode(
            alpha_per_s=Fraction(mode.alpha_per_s),
            omega_rad_s=Fraction(mode.omega_rad_s),
            sample_hz=Fraction(fps),
            scheme=scheme,
        )
        return certified_minimal_taps(rational, tolerance=Fraction(tolerance))
    except (MissingExtraError, ParameterError):
        return None


def _plot(values: list[float]) -> str:
    """Return one line a tap: its number, its value, and a bar from zero."""
    most, least = max(0.0, *values), min(0.0, *values)
    unit = (most - least) / WIDTH or 1.0
    zero = round(-least / unit)
    lines = []
    for number, value in enumerate(values):
        end = round((value - least) / unit)
        bar = " " * min(zero, end) + "#" * abs(end - zero)
        lines.append(f"{number:4d} {value:10.6f} {bar}".rstrip())
    return "\n".join(lines)
