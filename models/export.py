"""The network as an ONNX file: a clip at once, or one frame with its state going in and out.

A step graph is a stream for any ONNX runtime: start with zeros (`onnx_run.initial_feed`), then give
every ``next.NAME`` back as ``state.NAME``. Batch is dynamic in both graphs; the frames of a clip
are not, because its running mean is a recurrence, unrolled.

Temporal heads are rewritten as plain products, one frame after the other, which ONNX can hold.
"""

import copy
import json
import logging
import warnings
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from pulsephase.errors import ParameterError
from pulsephase.files import whole_file
from pulsephase.models.config import PhaseNetConfig
from pulsephase.models.heads import OscillatorBank, RecurrentHead, advance_matrix, drive_vector
from pulsephase.models.normalise import NormaliseState
from pulsephase.models.onnx_run import AFTER, BEFORE, require_onnx, session, stream
from pulsephase.models.phasenet import PhaseNet, PhaseNetState
from pulsephase.models.tcn import TemporalHead


class FrameByFrame(TemporalHead):
    """A head of one state, read one frame at a time."""

    def __init__(self, head: TemporalHead) -> None:
        super().__init__()
        self.head = head

    def initial_state(self, batch: int, like: Tensor) -> tuple[Tensor, ...]:
        """Return the states of the head that this one was made from."""
        return self.head.initial_state(batch, like)

    @abstractmethod
    def step(self, x: Float[Tensor, "batch channel"], state: Tensor) -> tuple[Tensor, Tensor]:
        """Return the wave of one frame and the state after it."""

    def forward(
        self, x: Float[Tensor, "batch time channel"], states: tuple[Tensor, ...]
    ) -> tuple[Float[Tensor, "batch time"], tuple[Tensor, ...]]:
        """Return the wave and the state after the last frame."""
        (state,) = states
        wave = []
        for frame in range(x.shape[1]):
            sample, state = self.step(x[:, frame], state)
            wave.append(sample)
        return torch.stack(wave, 1), (state,)


@final
class PlainGRU(FrameByFrame):
    r"""The GRU's gates as PyTorch defines them.

    .. math:: r, z = \sigma(W x + b + U h + c), \quad n = \tanh(W_n x + b_n + r (U_n h + c_n)),
              \quad h \leftarrow (1 - z) n + z h
    """

    def __init__(self, head: RecurrentHead) -> None:
        super().__init__(head)
        self.outward = head.outward
        self.input = _linear(head.cell, "ih_l0")
        self.hidden = _linear(head.cell, "hh_l0")

    def step(self, x: Float[Tensor, "batch channel"], state: Tensor) -> tuple[Tensor, Tensor]:
        """Return the read-out and the hidden state."""
        reset_in, update_in, new_in = self.input(x).chunk(3, 1)
        reset_past, update_past, new_past = self.hidden(state).chunk(3, 1)
        reset = torch.sigmoid(reset_in + reset_past)
        update = torch.sigmoid(update_in + update_past)
        new = torch.tanh(new_in + reset * new_past)
        state = new + update * (state - new)
        return self.outward(state)[:, 0], state


@final
class PlainOscillators(FrameByFrame):
    """The exact update of the oscillators with its coefficients as numbers."""

    matrix: Float[Tensor, "2 2 mode"]
    drive: Float[Tensor, "2 mode"]

    def __init__(self, head: OscillatorBank) -> None:
        super().__init__(head)
        self.inward, self.outward, self.direct = head.inward, head.outward, head.direct
        with torch.no_grad():
            a, w = head.log_a.exp(), head.log_w.exp()
            self.register_buffer("matrix", advance_matrix(a, w, steps=1))
            self.register_buffer("drive", drive_vector(a, w))

    def step(self, x: Float[Tensor, "batch channel"], state: Tensor) -> tuple[Tensor, Tensor]:
        """Return the read-out and each oscillator's displacement and velocity."""
        carried = (state[:, None] * self.matrix).sum(2)
        state = carried + self.drive * self.inward(x)[:, None]
        return (self.outward(state.flatten(1)) + self.direct(x))[:, 0], state


def exportable(head: TemporalHead) -> TemporalHead:
    """Return a head that gives the same numbers and that ONNX can hold."""
    match head:
        case RecurrentHead():
            return PlainGRU(head)
        case OscillatorBank():
            return PlainOscillators(head)
    return head


def _linear(cell: nn.GRU, name: str) -> nn.Linear:
    weight, bias = cell.get_parameter(f"weight_{name}"), cell.get_parameter(f"bias_{name}")
    layer = nn.Linear(weight.shape[1], weight.shape[0]).to(weight)
    with torch.no_grad():
        layer.weight.copy_(weight)
        layer.bias.copy_(bias)
    return layer


CLIP_FRAMES = 160
PARITY = 1e-4  # of the wave's peak, or of 1 if that is more
CHECKED_FRAMES = 24  # of a stream
FORMAT = "pulsephase-onnx-1"
# Said by torch 2.13 and its exporter about themselves.
HARMLESS = (
    r"`isinstance\(treespec, LeafSpec\)` is deprecated",
    r"# The axis name: batch will not be used",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """What was written.

    Attributes:
        kind: ``clip`` or ``step``.
        inputs: Names of the graph's inputs.
        outputs: Names of its outputs.
        nodes: Operations in the graph.
        difference: Largest difference of onnxruntime's pulse from torch's on noise.
    """

    kind: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    nodes: int
    difference: float


def flat_state(state: PhaseNetState) -> dict[str, Tensor]:
    """Return the tensors of a state by name, in the order of the step graph's inputs."""
    return {
        "mean": state.normalise.mean,
        "last": state.normalise.last,
        "seen": state.normalise.seen,
        **{f"temporal.{index}": part for index, part in enumerate(state.temporal)},
        "position": state.position,
        **{f"head.{index}": part for index, part in enumerate(state.head)},
    }


def state_of(tensors: Mapping[str, Tensor]) -> PhaseNetState:
    """Return the state whose tensors `flat_state` named."""
    return PhaseNetState(
        NormaliseState(tensors["mean"], tensors["last"], tensors["seen"]),
        tuple(part for name, part in tensors.items() if name.startswith("temporal.")),
        tensors["position"],
        tuple(part for name, part in tensors.items() if name.startswith("head.")),
    )


@final
class ClipGraph(nn.Module):
    """A clip from the empty state."""

    def __init__(self, net: PhaseNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, frames: Tensor, frame_steps: Tensor) -> Tensor:
        """Return the pulse."""
        empty = flat_state(self.net.initial_state(1))
        state = {
            name: part.expand(frames.shape[0], *part.shape[1:]) for name, part in empty.items()
        }
        pulse, _ = self.net.advance(frames, frame_steps, state_of(state))
        return pulse


@final
class StepGraph(nn.Module):
    """One frame of each face, the state in plain tensors."""

    def __init__(self, net: PhaseNet) -> None:
        super().__init__()
        self.net = net
        self.names = tuple(flat_state(net.initial_state(1)))

    def forward(self, frame: Tensor, frame_step: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        """Return the pulse and the state after the frame."""
        before = state_of(dict(zip(self.names, state, strict=True)))
        pulse, after = self.net.advance(frame[:, None], frame_step[:, None], before)
        return pulse[:, 0], *flat_state(after).values()


def export_clip(net: PhaseNet, path: str | Path, *, frames: int = CLIP_FRAMES) -> Exported:
    """Write the graph of a clip of fixed length, and check it against torch.

    Inputs are ``frames`` (batch, time, 3, height, width), RGB in 0..1, and ``frame_steps``
    (batch, time), the time since the frame before in frames at the network's rate (1 = on time).
    The output is ``pulse`` (batch, time).

    Args:
        net: A network; its weights are written as they are for inference.
        path: Where; the file appears whole or not at all.
        frames: Length of the clip.

    Raises:
        MissingExtraError: If the extra ``onnx`` is not installed.
        ParameterError: If ``frames`` is below 2, or the graph is not the network to 1e-4.
    """
    require_onnx()
    if frames < 2:
        raise ParameterError(f"frames is {frames}; a clip has at least 2")
    size = net.config.size
    example = {
        "frames": _noise((2, frames, 3, size, size)),
        "frame_steps": torch.ones(2, frames),
    }
    return _write(ClipGraph(net), example, ("pulse",), Path(path), frames=frames)


def export_step(net: PhaseNet, path: str | Path) -> Exported:
    """Write the graph of one frame with its state, and check it against torch.

    Inputs are ``frame`` (batch, 3, height, width), RGB in 0..1, ``frame_step`` (batch), the time
    since the frame before in frames at the network's rate, and the state as ``state.NAME``, zero
    before the first frame (``seen`` int64, all others float32). Outputs are ``pulse`` (batch) and
    the state after the frame as ``next.NAME``.

    Args:
        net: A causal network; its weights are written as they are for inference.
        path: Where; the file appears whole or not at all.

    Raises:
        MissingExtraError: If the extra ``onnx`` is not installed.
        ParameterError: If the network sees the future, or the graph is not the network to 1e-4.
    """
    require_onnx()
    net.config.require_causal()
    size = net.config.size
    # Each a tensor of its own: the exporter takes one tensor under two names for one input.
    state = {name: part.clone() for name, part in flat_state(net.initial_state(2)).items()}
    example = {
        "frame": _noise((2, 3, size, size)),
        "frame_step": torch.ones(2),
        **{BEFORE + name: part for name, part in state.items()},
    }
    outputs = ("pulse", *(AFTER + name for name in state))
    return _write(StepGraph(net), example, outputs, Path(path), frames=1)


def _write(
    graph: ClipGraph | StepGraph,
    example: dict[str, Tensor],
    outputs: tuple[str, ...],
    path: Path,
    *,
    frames: int,
) -> Exported:
    """Trace, describe, write beside the place, compare with torch, and only then rename."""
    kind = "clip" if isinstance(graph, ClipGraph) else "step"
    net = graph.net
    graph = copy.deepcopy(graph).cpu().float().eval()
    graph.net.head = exportable(graph.net.head)
    batch = torch.export.Dim("batch", min=1, max=4096)
    first, second, *state = ({0: batch} for _ in example)
    shapes = (first, second, tuple(state)) if kind == "step" else (first, second)
    with _quiet(), torch.enable_grad():  # without gradients a clip would be read in pieces
        program = torch.onnx.export(
            graph,
            tuple(example.values()),
            dynamo=True,
            verbose=False,
            input_names=list(example),
            output_names=list(outputs),
            dynamic_shapes=shapes,
        )
    assert program is not None
    model = program.model_proto
    for key, value in metadata(graph.net.config, kind=kind, frames=frames).items():
        entry = model.metadata_props.add()
        entry.key, entry.value = key, value
    with whole_file(path) as temporary:
        temporary.write_bytes(model.SerializeToString())
        difference = _difference(net, temporary, kind=kind, frames=frames)
        if not difference <= PARITY:
            raise ParameterError(
                f"onnxruntime's pulse differs from torch's by {difference:.2g}; allowed is "
                f"{PARITY:g}: nothing was written; export the weights in float32"
            )
    return Exported(
        kind=kind,
        inputs=tuple(example),
        outputs=outputs,
        nodes=len(model.graph.node),
        difference=difference,
    )


def metadata(config: PhaseNetConfig, *, kind: str, frames: int) -> dict[str, str]:
    """Return what a reader of the file must know to use it."""
    return {
        "format": FORMAT,
        "kind": kind,
        "frames": str(frames),
        "config": json.dumps(asdict(config)),
        "sample_hz": str(config.sample_hz),
        "delay_frames": str(config.delay),
        "warmup_frames": str(config.warmup),
        "input_range": "RGB in 0..1",
        "input_size": str(config.size),
    }


def _difference(net: PhaseNet, path: Path, *, kind: str, frames: int) -> float:
    """Return how far onnxruntime's pulse of noise is from torch's, over the latter's peak."""
    if kind == "clip":
        clips = _noise((2, frames, 3, net.config.size, net.config.size))
        steps = np.ones((2, frames), np.float32)
        found = session(path).run(["pulse"], {"frames": clips.numpy(), "frame_steps": steps})[0]
    else:
        clips = _noise((2, CHECKED_FRAMES, 3, net.config.size, net.config.size))
        found = stream(path, clips.numpy())
    with torch.no_grad():
        expected = copy.deepcopy(net).cpu().float().eval()(clips).numpy()
    return float(np.abs(found - expected).max() / max(1.0, np.abs(expected).max()))


def _noise(shape: tuple[int, ...]) -> Float[Tensor, "*shape"]:
    return torch.rand(shape, generator=torch.Generator().manual_seed(0))


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporter from talking of itself; anything else is still heard."""
    logger = logging.getLogger("torch.onnx._internal.exporter._registration")
    before = logger.level
    logger.setLevel(logging.ERROR)  # it warns that torchvision, which nobody needs, is missing
    try:
        with warnings.catch_warnings():
            for message in HARMLESS:
                warnings.filterwarnings("ignore", message=message)
            yield
    finally:
        logger.setLevel(before)
