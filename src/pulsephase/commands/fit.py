"""``pulsephase fit``: from a measured wave to an oscillator with intervals."""

from pathlib import Path
from typing import Any

import click

from pulsephase.commands.common import emit, shared_options


@click.command("fit")
@click.argument("wave", type=click.Path(path_type=Path))
@click.option("--column", help="Name of the column or array (a bare CSV: 0, 1, ...).")
@click.option("--hz", type=float, help="Samples per second, if the file does not say.")
@click.option(
    "--forcing",
    type=click.Choice(["impulse", "half_sine", "reflected"]),
    multiple=True,
    help="What a beat may be; may be repeated. All by default.",
)
@click.option("--level", default=0.95, show_default=True, help="Confidence of both intervals.")
@click.option("--invert", is_flag=True, help="Turn the wave: systole points down in the file.")
@click.option("--fps", default=30.0, show_default=True, help="Frame rate of the kernel.")
@click.option("--exposure", default=0.0, show_default=True, help="Exposure of the kernel, in s.")
@click.option(
    "--figure", type=click.Path(path_type=Path, dir_okay=False), help="Write wave and fit (PNG)."
)
@shared_options
def command(
    wave: Path,
    column: str | None,
    hz: float | None,
    forcing: tuple[str, ...],
    level: float,
    invert: bool,
    fps: float,
    exposure: float,
    figure: Path | None,
    as_json: bool,
    device: str,
) -> int:
    """Fit a damped oscillator to a measured pulse wave, under several forcings.

    Exit code 1 if the wave cannot tell the poles; the reason is given.

    Example: pulsephase fit wave.csv --column wave --hz 30
    """
    from pulsephase.measurement.wave_file import read_wave
    from pulsephase.physics.beats import PARAMETERS
    from pulsephase.physics.fit import fit_oscillator

    read = read_wave(wave, column=column, sample_hz=hz)
    forcings: Any = forcing or tuple(PARAMETERS)
    samples = -read.wave if invert else read.wave
    found = fit_oscillator(samples, sample_hz=read.sample_hz, forcings=forcings, level=level)
    rows = [_row(fit) for fit in found.fits]
    taps = _kernel(found.best.oscillator, fps=fps, exposure_s=exposure)
    if figure is not None:
        _draw(figure, samples, read.sample_hz, found.best)
    if as_json:
        emit(
            {
                "wave": str(wave),
                "column": read.column,
                "sample_hz": read.sample_hz,
                "level": level,
                "refused": found.refused or None,
                "fits": rows,
                "kernel": {"fps": fps, "exposure_s": exposure, "taps": taps},
            }
        )
    else:
        click.echo(_text(read, rows, found.refused, level))
    return 1 if found.refused else 0


def _row(fit: Any) -> dict[str, Any]:
    slow, fast = fit.oscillator.poles_per_s
    return {
        "forcing": fit.forcing,
        "natural_hz": fit.oscillator.natural_hz,
        "natural_hz_interval": list(fit.natural_hz),
        "damping": fit.oscillator.damping,
        "damping_interval": list(fit.damping),
        "poles_per_s": [[pole.real, pole.imag] for pole in (slow, fast)],
        "extra": fit.extra,
        "unexplained": fit.unexplained,
        "bic": fit.bic,
        "beats": len(fit.beats_s),
    }


def _kernel(oscillator: Any, *, fps: float, exposure_s: float) -> list[float]:
    import numpy as np

    from pulsephase.physics.camera import CameraTiming, camera_kernel

    taps = min(600, max(2, int(np.ceil(5 * fps / oscillator.slow_rate_per_s))))
    camera = CameraTiming(exposure_s=exposure_s)
    found = camera_kernel(oscillator, camera, sample_hz=fps, taps=taps)
    return [float(tap) for tap in oscillator.omega_rad_s**2 * found]


def _text(read: Any, rows: list[dict[str, Any]], refused: str, level: float) -> str:
    lines = [f"{read.column}: {len(read.wave)} samples at {read.sample_hz:g} Hz"]
    for row in rows:
        low, high = row["natural_hz_interval"]
        least, most = row["damping_interval"]
        lines.append(
            f"{row['forcing']:10} {row['natural_hz']:.3f} Hz ({low:.3f} to {high:.3f}), damping "
            f"{row['damping']:.3f} ({least:.3f} to {most:.3f}); "
            f"{100 * row['unexplained']:.1f} % unexplained, BIC {row['bic']:.0f}, "
            f"{row['beats']} beats"
        )
    lines.append(
        f"refused: {refused}"
        if refused
        else f"intervals hold both with {100 * level:g} % if the forcing is right; best first"
    )
    return "\n".join(lines)


def _draw(path: Path, samples: Any, sample_hz: float, best: Any) -> None:
    import matplotlib.pyplot as plt
    import numpy as np

    from pulsephase.errors import InputError

    if not path.parent.is_dir():
        raise InputError(f"--figure: there is no folder {path.parent}; make it first")
    figure, (upper, lower) = plt.subplots(2, 1, figsize=(9, 6))
    shown = (samples - samples.mean()) / samples.std()
    first = round(best.start_s * sample_hz)
    times = np.arange(len(shown)) / sample_hz
    upper.plot(times, shown, color="0.6", label="wave")
    upper.plot(times[first : first + len(best.wave)], best.wave, label=f"fit, {best.forcing}")
    upper.set(xlabel="time (s)", ylabel="in standard deviations")
    upper.legend()
    lags = np.linspace(0, 5 / best.oscillator.slow_rate_per_s, 400)
    lower.plot(lags, best.oscillator.omega_rad_s * best.oscillator.impulse_response(lags))
    lower.set(xlabel="time after an impulse (s)", ylabel="response")
    figure.tight_layout()
    figure.savefig(path, format="png", dpi=120)
    plt.close(figure)
