"""Run an exported graph in onnxruntime: open it, start its state, feed it frame by frame."""

from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from pulsephase.errors import InputError, MissingExtraError

BEFORE, AFTER = "state.", "next."  # a dot, so that no operation has the name


def require_onnx() -> None:
    """Raise `MissingExtraError` unless graphs can be written and run."""
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as missing:
        raise MissingExtraError(
            f"ONNX needs {missing.name}, which is not installed; "
            "install the extra: pip install 'pulsephase[onnx]'"
        ) from None


def initial_feed(path: str | Path, *, batch: int = 1) -> dict[str, NDArray[Any]]:
    """Return the state before the first frame that a step graph wants, from the file alone.

    Args:
        path: A file of `export_step`.
        batch: Faces side by side.

    Raises:
        InputError: If the graph has no state.
    """
    require_onnx()
    import onnx

    graph = onnx.load(path, load_external_data=False).graph
    feed = {}
    for item in graph.input:
        if item.name.startswith(BEFORE):
            tensor = item.type.tensor_type
            shape = [batch, *(size.dim_value for size in tensor.shape.dim[1:])]
            feed[item.name] = np.zeros(
                shape, onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type)
            )
    if not feed:
        raise InputError(f"{Path(path).name} has no state to feed: write it with --step")
    return feed


def session(path: str | Path, *, threads: int = 1) -> Any:
    """Open a graph in onnxruntime on the CPU."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def stream(
    path: str | Path, frames: Float[np.ndarray, "batch time 3 height width"]
) -> Float[np.ndarray, "batch time"]:
    """Run a step graph over evenly spaced frames, the state handed from each to the next."""
    run = session(path)
    state = initial_feed(path, batch=len(frames))
    outputs = ["pulse", *(name.replace(BEFORE, AFTER, 1) for name in state)]
    on_time = np.ones(len(frames), np.float32)
    pulse = []
    for index in range(frames.shape[1]):
        feed = {"frame": frames[:, index], "frame_step": on_time, **state}
        sample, *after = run.run(outputs, feed)
        state = dict(zip(state, after, strict=True))
        pulse.append(sample)
    return np.stack(pulse, 1)
