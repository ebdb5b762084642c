"""Figures of how long a kernel is, beside how far a dilated stack sees."""

import numpy as np
from matplotlib.axes import Axes

from pulsephase.physics.discretisation import Discretisation
from pulsephase.physics.oscillator import Oscillator
from pulsephase.physics.truncation import minimal_taps, receptive_field, tails
from pulsephase.physics.vessel import PULSE_BAND_HZ
from pulsephase.proofs.drawing import ACCENT, FAINT, INK, SECOND, THIRD, Drawing

STEP_S = 1 / 30
LAYERS = (3, 4, 5, 6)  # of kernel size 3, dilations 1, 2, 4, ...
COLOURS = (ACCENT, THIRD, SECOND, INK)
FREQUENCIES_HZ = (PULSE_BAND_HZ[0], 1.2, 2.0, PULSE_BAND_HZ[1])


def _step(natural_hz: float, damping: float) -> Discretisation:
    mode = Oscillator.from_natural_hz(natural_hz, damping=damping)
    return Discretisation(oscillator=mode, scheme="zero_order", step_s=STEP_S)


def _lengths(left: Axes, right: Axes) -> None:
    for damping, colour in zip((0.1, 0.3, 0.7, 3.0), COLOURS, strict=True):
        lost = tails(_step(1.2, damping))
        left.semilogy(lost[:260] / lost[0], color=colour, label=f"ζ = {damping:g}")
    left.set(xlabel="taps kept (1.2 Hz, 30 fps)", ylabel="share of the kernel lost")
    left.set(xlim=(0, 260), ylim=(1e-4, 1.2))
    left.legend()
    dampings = np.geomspace(0.05, 5, 60)
    for hertz, colour in zip(FREQUENCIES_HZ, COLOURS, strict=True):
        needed = [minimal_taps(_step(hertz, float(z)), tolerance=1e-2) for z in dampings]
        right.loglog(dampings, needed, color=colour, label=f"{hertz:g} Hz")
    for layers in LAYERS:
        field = receptive_field(layers=layers, kernel_size=3)
        left.axvline(field, color=FAINT, linewidth=1)
        right.axhline(field, color=FAINT, linewidth=1)
        right.annotate(f"{layers} layers: {field}", (0.0505, field * 1.04), color=INK, fontsize=7)
    right.set(xlabel="damping ratio ζ", ylabel="taps that lose 1 %")
    right.legend(loc="upper center")


FIGURES: dict[str, Drawing] = {
    "T17": Drawing(
        caption="Left: what is lost by cutting the kernel. Right: taps needed to lose 1 %, against "
        "damping; grey lines are what 3 to 6 layers of kernel size 3 see. At 1.2 Hz four "
        "layers suffice only near critical damping, three nowhere.",
        paint=_lengths,
        panels=2,
    ),
}
