"""What can go wrong at the public door, and the exit code the command line gives it.

Every error says the value that was found, what is allowed, and what to do. Inner code has no
checks: a value that passed the door is good.
"""


class PulsePhaseError(ValueError):
    """A wrong argument or an unreadable input (exit code 2)."""


class SamplingError(PulsePhaseError):
    """A rate, frequency or duration that the sampling does not allow."""


class ParameterError(PulsePhaseError):
    """A parameter that is non-finite, negative or outside its range."""


class ShapeError(PulsePhaseError):
    """An array of the wrong rank, size or type."""


class StabilityError(PulsePhaseError):
    """A discretisation that diverges at the given step; names the largest stable one."""


class InputError(PulsePhaseError):
    """A file or folder that is missing, unreadable, too short, or no video."""


class WeightsError(PulsePhaseError):
    """A weights file that is missing, truncated, or of another architecture."""


class MissingExtraError(PulsePhaseError):
    """An optional dependency that is not installed; names the extra that brings it."""


class TrainingError(PulsePhaseError):
    """A training that cannot go on: a loss that is not finite, or another run's checkpoint."""
