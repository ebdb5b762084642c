"""The figures of the report, each drawn with the package's functions that its theorem is about."""

from pulsephase.proofs import figures_ends, figures_flow, figures_kernel, figures_length
from pulsephase.proofs.drawing import Drawing

FIGURES: dict[str, Drawing] = {
    **figures_flow.FIGURES,
    **figures_ends.FIGURES,
    **figures_kernel.FIGURES,
    **figures_length.FIGURES,
}
