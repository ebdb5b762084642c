r"""A residual dilated stack that is the truncated kernel of a state space model, exactly.

.. math:: \prod_{l<L}\left(I + A^{2^l}q^{2^l}\right) = \sum_{m<2^L} A^m q^m,
          \qquad z_t - z_t^{\mathrm{stack}} = C A^{M} x_{t-M},\quad M = 2^L,

for :math:`x_t = A x_{t-1} + B u_t`, :math:`z_t = C x_t`: the output is read after the update, so
that :math:`g[m] = C A^m B`. :math:`N` second-order modes need :math:`2N` channels. The identity is
that of a parallel prefix sum (Hillis & Steele 1986; Blelloch 1990), read as a network. It cuts the
kernel; a recurrent network or a state space layer of the same size keeps all of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float64
from scipy.linalg import block_diag

from pulsephase.checks import at_least, finite
from pulsephase.errors import ShapeError
from pulsephase.physics.stack import Layer, Stack


@dataclass(frozen=True, slots=True, kw_only=True)
class StateSpace:
    r"""A linear system :math:`x_t = Ax_{t-1} + Bu_t`, :math:`z_t = Cx_t`.

    Attributes:
        transition: :math:`A`.
        drive: :math:`B`.
        readout: :math:`C`.

    Raises:
        ShapeError: If the sizes do not fit.
        ParameterError: If an entry is not finite.

    Example:
        >>> one = np.ones(1)
        >>> leak = StateSpace(transition=np.array([[0.5]]), drive=one, readout=one)
        >>> leak.kernel(4).tolist()
        [1.0, 0.5, 0.25, 0.125]
    """

    transition: Float64[np.ndarray, "_ _"]
    drive: Float64[np.ndarray, " _"]
    readout: Float64[np.ndarray, " _"]

    def __post_init__(self) -> None:
        size = self.drive.shape[0]
        if self.transition.shape != (size, size) or self.readout.shape != (size,):
            raise ShapeError(
                f"transition {self.transition.shape}, drive {self.drive.shape} and readout "
                f"{self.readout.shape} do not fit; give (n, n), (n,), (n,)"
            )
        for name in ("transition", "drive", "readout"):
            finite(name, getattr(self, name))

    @property
    def size(self) -> int:
        """Number of states; twice that of second-order modes."""
        return len(self.drive)

    def states(self, drive: Float[np.ndarray, " time"]) -> Float64[np.ndarray, "time state"]:
        """Step through an input from rest: what a recurrent network of this size computes."""
        finite("drive", drive)
        state = np.zeros(self.size)
        found = np.empty((len(drive), self.size))
        for t, value in enumerate(np.asarray(drive, dtype=np.float64)):
            state = self.transition @ state + self.drive * value
            found[t] = state
        return found

    def kernel(self, length: int) -> Float64[np.ndarray, " length"]:
        r"""Return :math:`g[m] = CA^mB`, :math:`m<M`.

        Raises:
            ParameterError: If the length is below 1.
        """
        at_least("length", length, 1)
        impulse = np.zeros(length)
        impulse[0] = 1.0
        return np.asarray(self.states(impulse) @ self.readout)


def side_by_side(systems: Sequence[StateSpace]) -> StateSpace:
    """Return the sum of systems as one: states beside each other, outputs added.

    Raises:
        ShapeError: If there is no system.
    """
    if not systems:
        raise ShapeError("there is no system to add; give at least one")
    return StateSpace(
        transition=np.asarray(block_diag(*(system.transition for system in systems))),
        drive=np.concatenate([system.drive for system in systems]),
        readout=np.concatenate([system.readout for system in systems]),
    )


def doubling_stack(system: StateSpace, *, layers: int) -> Stack:
    r"""Return the residual stack with two taps and dilations :math:`2^l`; :math:`M = 2^L`, exactly.

    Args:
        system: The system whose kernel is wanted.
        layers: Number :math:`L` of dilated layers.

    Returns:
        An in-map, ``layers`` dilated residual layers of the system's size, and an out-map.

    Raises:
        ParameterError: If ``layers`` is below 1.

    Example:
        >>> leak = StateSpace(
        ...     transition=np.array([[0.5]]), drive=np.ones(1), readout=np.ones(1)
        ... )
        >>> doubling_stack(leak, layers=2).kernel().tolist()
        [1.0, 0.5, 0.25, 0.125]
    """
    at_least("layers", layers, 1)
    return _between_maps(system, [(2**level, 1) for level in range(layers)])


def tripling_stack(system: StateSpace, *, layers: int) -> Stack:
    r"""Return the residual stack with three taps and dilations :math:`3^l`; :math:`M = 3^L`.

    Raises:
        ParameterError: If ``layers`` is below 1.
    """
    at_least("layers", layers, 1)
    return _between_maps(system, [(3**level, 2) for level in range(layers)])


def three_tap_stack(system: StateSpace, *, layers: int) -> Stack:
    r"""Return the stack of three taps and dilations :math:`2^l`; :math:`M = 3\cdot2^{L-1}`.

    This is the shape of the published network. Only the last layer can use its third tap: in any
    other it would count powers twice. The receptive field is :math:`2^{L+1}-1`, of which the exact
    kernel fills 24 of 31 samples at :math:`L=4`.

    Raises:
        ParameterError: If ``layers`` is below 1.
    """
    at_least("layers", layers, 1)
    powers = [(2**level, 1) for level in range(layers)]
    powers[-1] = (2 ** (layers - 1), 2)
    return _between_maps(system, powers)


def truncation_remainder(
    system: StateSpace, drive: Float[np.ndarray, " time"], *, length: int
) -> Float64[np.ndarray, " time"]:
    r"""Return what a kernel cut after :math:`M` taps misses, :math:`CA^Mx_{t-M}`: an equality.

    Args:
        system: The system, from rest.
        drive: Its input.
        length: Taps kept :math:`M`.

    Raises:
        ParameterError: If the length is below 1 or the input not finite.
        ShapeError: If the input is empty.
    """
    at_least("length", length, 1)
    states = system.states(drive)
    missed = np.zeros(len(states))
    carried = system.readout @ np.linalg.matrix_power(system.transition, length)
    missed[length:] = states[: max(len(states) - length, 0)] @ carried
    return missed


def _between_maps(system: StateSpace, powers: list[tuple[int, int]]) -> Stack:
    """Return in-map, layers I + A^p q^p + A^2p q^2p ... up to a count of further taps, out-map."""
    identity = np.eye(system.size)
    layers = [Layer(taps=system.drive[:, None, None].copy())]
    for power, further in powers:
        step = np.linalg.matrix_power(system.transition, power)
        taps = [identity, step, step @ step][: further + 1]
        layers.append(Layer(taps=np.stack(taps, axis=-1), dilation=power))
    layers.append(Layer(taps=system.readout[None, :, None].copy()))
    return Stack(layers=tuple(layers))
