"""Figures of the steps from light and Navier-Stokes to the line."""

import numpy as np
from matplotlib.axes import Axes

from pulsephase.physics import friction
from pulsephase.proofs.drawing import ACCENT, FAINT, INK, SECOND, THIRD, Drawing

ALPHA, NU = "\N{GREEK SMALL LETTER ALPHA}", "\N{GREEK SMALL LETTER NU}"


def _light(left: Axes) -> None:
    depth = np.linspace(-0.6, 0.6, 200)
    left.plot(depth, np.expm1(-depth), color=ACCENT, label="exact")
    left.plot(depth, -depth, color=SECOND, linestyle="--", label="first order")
    left.set(xlabel="change of absorption, κ δV", ylabel="change of light, δI / I")
    left.legend()


def _profiles(left: Axes) -> None:
    r = np.linspace(-1, 1, 301)
    for exponent, colour in ((2.0, ACCENT), (4.0, THIRD), (9.0, SECOND)):
        law = friction.hughes_lubliner(radius_m=1.0, viscosity_m2_s=1.0, profile_exponent=exponent)
        speed = (exponent + 2) / exponent * (1 - np.abs(r) ** exponent)
        label = f"ζ = {exponent:g}: friction {law.rate_per_s:g} {NU}/R²"
        left.plot(speed, r, color=colour, label=label)
    left.set(xlabel="velocity over its mean", ylabel="r / R", xlim=(0, 2.9))
    left.legend(loc="center left")


def _leak(left: Axes) -> None:
    leak = np.linspace(0, 6, 200)
    for elastic, colour, label in ((0.0, ACCENT, "leakage alone"), (4.0, SECOND, "ck = 4 per s")):
        square = 3.0 * leak + elastic**2
        discriminant = (3.0 + leak) ** 2 - 4 * square
        left.plot(leak, discriminant, color=colour, label=label)
    left.axhline(0, color=INK, linewidth=0.8)
    left.annotate("below: it rings", (4.1, -9), color=INK)
    left.set(xlabel=f"leakage β (1/s), friction {ALPHA} = 3/s", ylabel="discriminant (1/s²)")
    left.legend()


def _friction_laws(left: Axes, right: Axes) -> None:
    number = np.geomspace(0.3, 12, 200)
    s = 1j * number**2
    exact = friction.womersley_impedance(s, radius_m=1.0, viscosity_m2_s=1.0)
    laws = (
        ("4/3 law", friction.low_womersley(radius_m=1.0, viscosity_m2_s=1.0), ACCENT),
        ("Hughes-Lubliner", friction.hughes_lubliner(radius_m=1.0, viscosity_m2_s=1.0), SECOND),
    )
    for name, law, colour in laws:
        error = np.abs(law.inertance * s + law.rate_per_s - exact) / np.abs(exact)
        left.loglog(number, 100 * error, color=colour, label=name)
    left.set(xlabel="Womersley number", ylabel="error of the impedance (%)")
    left.legend()
    width = np.geomspace(1, 60, 120)
    damping = [
        friction.damping_ratio(
            friction.womersley_modal_pole(radius_m=1.0, viscosity_m2_s=1.0, natural_rad_s=float(w))
        )
        for w in width
    ]
    right.semilogx(width, damping, color=INK, label="exact")
    for _, law, colour in laws:
        ratios = [
            friction.damping_ratio(friction.modal_pole(law, natural_rad_s=float(w))) for w in width
        ]
        right.semilogx(width, ratios, color=colour, linestyle="--")
    right.axvline(4, color=FAINT, linewidth=1)
    right.set(xlabel=f"W = c k R² / {NU} of a mode", ylabel="damping ratio")
    right.legend()


FIGURES: dict[str, Drawing] = {
    "BL": Drawing(caption="The exact attenuation and the linear law.", paint=_light),
    "T3": Drawing(caption="A blunter profile has more friction at the wall.", paint=_profiles),
    "T5": Drawing(
        caption="With leakage alone the discriminant touches zero and never crosses it.",
        paint=_leak,
    ),
    "T6": Drawing(
        caption="Left: error of two low-order laws. Right: damping of a mode; at W = 4 (line) the "
        "common law says critical, the exact friction rings.",
        paint=_friction_laws,
        panels=2,
    ),
}
