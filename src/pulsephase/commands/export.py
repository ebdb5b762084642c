"""``pulsephase export``."""

from pathlib import Path

import click

from pulsephase.commands.common import NamedPath, emit, shared_options, stderr
from pulsephase.errors import InputError, ParameterError


@click.command(name="export")
@click.argument("name")
@click.option(
    "--onnx",
    "file",
    required=True,
    type=NamedPath(dir_okay=False, path_type=Path),
    help="The file to write; it appears whole or not at all.",
)
@click.option("--step", is_flag=True, help="One frame with its state, instead of a clip.")
@click.option("--frames", type=click.IntRange(2), help="Length of the clip.  [default: 160]")
@shared_options
def command(
    name: str, file: Path, step: bool, frames: int | None, as_json: bool, device: str
) -> int:
    """Write the network NAME (shipped weights, or a .safetensors file) as an ONNX graph.

    The file is run by onnxruntime and compared with torch before it is put in its place.

    Example: pulsephase export tiny --onnx tiny-step.onnx --step
    """
    if step and frames is not None:
        raise ParameterError(
            "--frames is the length of a clip, and --step reads one frame; drop one"
        )
    if not file.parent.is_dir():
        raise InputError(f"--onnx: there is no folder {file.parent}; make it first")
    from pulsephase.models.export import CLIP_FRAMES, export_clip, export_step
    from pulsephase.models.phasenet import PhaseNet

    net = PhaseNet.from_pretrained(name)
    with stderr.status(f"exporting {name}"):
        if step:
            done = export_step(net, file)
        else:
            done = export_clip(net, file, frames=frames or CLIP_FRAMES)
    if as_json:
        row = {"file": str(file), "kind": done.kind, "nodes": done.nodes}
        emit(
            {
                **row,
                "inputs": list(done.inputs),
                "outputs": list(done.outputs),
                "difference": done.difference,
            }
        )
    else:
        click.echo(
            f"{file}: {done.kind} graph of {done.nodes} operations, "
            f"within {done.difference:.1g} of torch"
        )
    return 0
