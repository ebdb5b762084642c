"""Why a mutant survives: looked at by hand, one by one.

A mutant that is not listed here and survives is a gap in the tests. Keys are a module and the label
of the mutant; the test of this table refuses a key that no mutant has.
"""

SAME = "computes the same: "
LONGER = "only how long the sum runs: what is left out stays within the same stated bound"
BITS = "only how many bits are spent: more than are needed, in every case"
POSITIVE = "never the side that decides: the static gain h^2 omega^2 of every scheme is positive"

REASONS: dict[tuple[str, str], str] = {
    (
        "certify",
        "certified_minimal_taps: len(sums.partial) - 1 -> len(sums.partial) + 1",
    ): "only where the bisection starts, far above the answer",
    (
        "certify",
        "certified_minimal_taps: len(sums.partial) - 1 -> len(sums.partial) - 2",
    ): "only where the bisection starts, far above the answer",
    ("certify", "_between: half + half * arb(0, 1) -> half - half * arb(0, 1)"): SAME
    + "the ball around 0 is symmetric",
    ("certify", "_length: taps + 16 -> taps + 17"): LONGER,
    ("certify", "_length: length / rate -> length * rate"): LONGER,
    ("certify", "_length: 2 * math.log(length / rate) -> 3 * math.log(length / rate)"): LONGER,
    ("certify", "_length: length // 8 -> length // 9"): LONGER,
    (
        "certify",
        "_precision: (trace + math.sqrt(trace * trace + 4 * det)) / 2"
        " -> (trace + math.sqrt(trace * trace + 4 * det)) * 2",
    ): BITS,
    ("certify", "_precision: 4 * det -> 4 / det"): BITS,
    ("certify", "_precision: 4 * det -> 5 * det"): BITS,
    ("consistency", "overdamped_consistency: poles.real < 1 -> poles.real < 2"): SAME
    + "poles are drawn inside the unit disc before",
    ("consistency", "oscillator_consistency: poles.imag != 0 -> poles.imag != 1"): SAME
    + "a real pole turns at 0 or at half the rate, outside the band",
    ("consistency", "_phase: spectrum * turn -> spectrum / turn"): SAME
    + "a random phase and its opposite have one law",
    (
        "consistency",
        "_poles: found / np.maximum(size, INSIDE) * INSIDE"
        " -> found / np.maximum(size, INSIDE) / INSIDE",
    ): "radius 1.001 instead of 0.999: the fit hardly differs over some hundred taps",
    (
        "consistency",
        "_gabor: 2 * np.pi * rng.uniform(0.8, 3.0) * lags / sample_hz + rng.uniform(0, 2 * np.pi)"
        " -> 2 * np.pi * rng.uniform(0.8, 3.0) * lags / sample_hz - rng.uniform(0, 2 * np.pi)",
    ): SAME + "a random phase and its opposite have one law",
    (
        "consistency",
        "_gabor: 2 * np.pi -> 3 * np.pi #2",
    ): "a phase drawn over one and a half turns: still every phase, half of them twice as often",
    ("discretisation", "Discretisation.is_stable: 1 - trace -> 1 + trace"): POSITIVE,
    ("discretisation", "Discretisation.is_stable: 1 - trace -> 2 - trace"): POSITIVE,
    (
        "friction",
        "_secant: start * BESIDE -> start / BESIDE",
    ): "the second point of the secant on the other side: the same root",
    (
        "friction",
        "_secant: step / x -> step * x",
    ): "only when the search ends: by then steps are at rounding",
    (
        "identify",
        "cramer_rao: 1e-07 * spectrum[0] -> 1e-07 / spectrum[0]",
    ): "only the guard: four columns of unit length have a largest singular value of 1 to 2",
    ("identify", "_jacobian: -fast -> +fast"): SAME + "the sign of a column leaves the bound",
    ("identify", "_jacobian: -slow -> +slow"): SAME + "the sign of a column leaves the bound",
    (
        "kernels",
        "lucas_closed_form: values * np.where(index % 2 == 0, -1.0, 1.0)"
        " -> values / np.where(index % 2 == 0, -1.0, 1.0)",
    ): SAME + "1/-1 is -1",
    ("kernels", "kernel_tensor: taps + 1 -> taps + 2"): SAME + "a term more, which is cut off",
    (
        "pencil",
        "select_order: ROUNDING ** 2 * float(kernel @ kernel)"
        " -> ROUNDING ** 2 / float(kernel @ kernel)",
    ): "only the floor under a residual of rounding",
    (
        "pencil",
        "select_order: ROUNDING ** 2 -> ROUNDING * 2",
    ): "only the floor under a residual of rounding",
    (
        "pencil",
        "select_order: 2 * order -> 3 * order",
    ): "a stiffer penalty: another criterion, with the same choice in every case tested",
    (
        "pencil",
        "_inside: poles / np.maximum(np.abs(poles), 1.0) -> poles * np.maximum(np.abs(poles), 1.0)",
    ): ("a pole outside by rounding or noise goes a little farther out"),
    ("schemes", "_semi_implicit: h * h * one -> h * h / one"): SAME + "one is 1",
    ("schemes", "_semi_implicit: h * h * one -> h * h / one #2"): SAME + "one is 1",
    ("schemes", "_semi_implicit: h * one -> h / one"): SAME + "one is 1",
    ("schemes", "_forward: h * h * one -> h * h / one"): SAME + "one is 1",
    ("schemes", "_forward: h * one -> h / one"): SAME + "one is 1",
    ("schemes", "_forward: h * one -> h / one #2"): SAME + "one is 1",
    ("simulate", "impulse_drive: samples + 2 -> samples + 3"): SAME
    + "a slot more, which is cut off",
    ("simulate", "_sample_drive: -1 -> +1 #3"): SAME
    + "only one or two samples get here, and the cut is no shorter than they are",
    ("simulate", "_check_stability: one - exact.trace -> one + exact.trace"): POSITIVE,
    (
        "solvers",
        "by_torchdiffeq: tolerance * 0.001 -> tolerance * 1.001",
    ): "only the absolute tolerance of the solver, where the relative one decides",
    ("solvers", "by_torchdiffeq: -1 -> +1 #3"): SAME + "of two times, the last is the second",
    ("solvers", "by_torchdiffeq: -1 -> +1 #4"): SAME + "of two times, the last is the second",
    ("truncation", "tails: length - 1 -> length + 1"): LONGER,
    ("truncation", "tails: length - 1 -> length - 2"): LONGER,
    ("truncation", "tails: NEGLIGIBLE * total -> NEGLIGIBLE / total"): (
        "only when the sum stops: its length doubles far past either threshold"
    ),
    (
        "truncation",
        "_require_decay: discretisation.is_stable and discretisation.radius < 1"
        " -> discretisation.is_stable or discretisation.radius < 1",
    ): SAME + "the two say the same, but for rounding on the unit circle",
    ("truncation", "_require_decay: discretisation.radius < 1 -> discretisation.radius < 2"): SAME
    + "the first condition holds already, but for rounding on the unit circle",
    ("width_theorem", "sylvester_stack: len(kernel) + 1 -> len(kernel) + 2"): SAME
    + "what differs is refused on the next line",
    ("width_theorem", "sylvester_stack: 2 * len(wanted) -> 3 * len(wanted)"): SAME
    + "both are powers of two and one less than a power of two apart",
}
