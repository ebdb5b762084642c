"""ONNX graphs give torch's numbers, for every kind of network, and say what they are."""

import json
import sys
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from networks import CAUSAL, SETTINGS, SMALL, crops, scrambled, small

from pulsephase.cli import main
from pulsephase.errors import InputError, MissingExtraError, ParameterError
from pulsephase.models import export
from pulsephase.models.config import CONFIGS
from pulsephase.models.export import export_clip, export_step, exportable
from pulsephase.models.onnx_run import initial_feed, session, stream
from pulsephase.models.phasenet import PhaseNet

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")

MIXED = {
    "gru": replace(SETTINGS["head=gru"], mixer="grid", inputs="mean"),
    "oscillator": replace(SETTINGS["head=oscillator"], mixer="roll", inputs="difference"),
    "fir": replace(
        SETTINGS["head=fir"],
        mixer="permutation",
        inputs="raw",
        pooling="average",
        squeeze_excitation=True,
    ),
}


def made(config: export.PhaseNetConfig) -> PhaseNet:
    torch.manual_seed(0)
    return scrambled(PhaseNet(config)).eval()


def pulse(net: PhaseNet, frames: torch.Tensor) -> np.ndarray:
    with torch.no_grad():
        return net(frames).numpy()


def metadata(file: Path) -> dict[str, str]:
    return {entry.key: entry.value for entry in onnx.load(file).metadata_props}


@pytest.fixture(scope="module")
def gated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("onnx") / "step.onnx"
    export_step(made(SMALL), file)
    return file


def assert_step_graph(config: export.PhaseNetConfig, file: Path) -> None:
    frames = crops(30, batch=3, seed=2)
    found, expected = stream(file, frames.numpy()), pulse(made(config), frames)
    np.testing.assert_allclose(found, expected, atol=1e-4 * max(1.0, np.abs(expected).max()))


def test_a_step_graph_is_the_network(gated: Path) -> None:
    assert_step_graph(SMALL, gated)


@pytest.mark.parametrize("name", MIXED)
def test_a_step_graph_of_controls_is_the_network(name: str, tmp_path: Path) -> None:
    export_step(made(MIXED[name]), tmp_path / "step.onnx")
    assert_step_graph(MIXED[name], tmp_path / "step.onnx")


@pytest.mark.slow
@pytest.mark.parametrize("name", CAUSAL)
def test_a_step_graph_of_every_setting_is_the_network(name: str, tmp_path: Path) -> None:
    export_step(small(name), tmp_path / "step.onnx")
    assert_step_graph(SETTINGS[name], tmp_path / "step.onnx")


@pytest.mark.slow
@pytest.mark.parametrize("name", CONFIGS)
def test_both_graphs_of_a_named_network_are_the_network(name: str, tmp_path: Path) -> None:
    config = CONFIGS[name]
    net, frames = made(config), crops(12, size=config.size, seed=7)
    export_step(net, tmp_path / "step.onnx")
    export_clip(net, tmp_path / "clip.onnx", frames=12)
    expected = pulse(net, frames)
    feed = {"frames": frames.numpy(), "frame_steps": np.ones((1, 12), np.float32)}
    clip = session(tmp_path / "clip.onnx").run(["pulse"], feed)[0]
    for found in (stream(tmp_path / "step.onnx", frames.numpy()), clip):
        np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max())


def test_a_step_graph_hears_of_late_frames(gated: Path) -> None:
    frames, net = crops(12, seed=3), made(SMALL)
    times = torch.arange(12, dtype=torch.float64) / 30
    times[6:] += 0.5
    steps = net.frame_steps(times, 1, 12, frames)
    run, state, found = session(gated), initial_feed(gated), []
    for index in range(12):
        feed = {"frame": frames[:, index].numpy(), "frame_step": steps[:, index].numpy(), **state}
        sample, *after = run.run(None, feed)
        state = dict(zip(state, after, strict=True))
        found.append(sample[0])
    with torch.no_grad():
        expected = net(frames, times)[0].numpy()
    np.testing.assert_allclose(found, expected, atol=2e-6)
    assert np.abs(expected - pulse(net, frames)[0]).max() > 2e-5


def test_a_clip_graph_is_the_network_for_any_batch(tmp_path: Path) -> None:
    net = made(SMALL)
    done = export_clip(net, tmp_path / "clip.onnx", frames=14)
    assert (done.inputs, done.outputs) == (("frames", "frame_steps"), ("pulse",))
    for batch in (1, 3):
        frames = crops(14, batch=batch, seed=4)
        feed = {"frames": frames.numpy(), "frame_steps": np.ones((batch, 14), np.float32)}
        found = session(tmp_path / "clip.onnx").run(["pulse"], feed)[0]
        np.testing.assert_allclose(found, pulse(net, frames), atol=1e-4)
    assert metadata(tmp_path / "clip.onnx")["frames"] == "14"
    with pytest.raises(InputError, match="--step"):
        initial_feed(tmp_path / "clip.onnx")


def test_the_file_says_what_it_is(gated: Path) -> None:
    found = metadata(gated)
    assert found["kind"] == "step"
    assert found["sample_hz"] == "30.0"
    assert found["delay_frames"] == str(SMALL.delay)
    assert found["warmup_frames"] == str(SMALL.warmup)
    assert found["input_range"] == "RGB in 0..1"
    assert json.loads(found["config"]) == json.loads(json.dumps(asdict(SMALL)))


def test_the_state_is_read_from_the_file(gated: Path) -> None:
    feed = initial_feed(gated, batch=5)
    expected = export.flat_state(made(SMALL).initial_state(5))
    assert list(feed) == [f"state.{name}" for name in expected]
    for name, tensor in expected.items():
        np.testing.assert_array_equal(feed[f"state.{name}"], tensor.numpy())
        assert feed[f"state.{name}"].dtype == tensor.numpy().dtype


@pytest.mark.parametrize("name", ["gru", "oscillator"])
def test_a_head_written_out_is_the_head(name: str) -> None:
    head = made(MIXED[name]).double().head
    plain = exportable(head)
    x = torch.randn(2, 20, 24, dtype=torch.float64, generator=torch.Generator().manual_seed(5))
    x = x[:, :, : 2 * MIXED[name].position_channels]
    start = tuple(torch.rand_like(part) for part in head.initial_state(2, x))
    with torch.no_grad():
        expected, found = head(x, start), plain.double()(x, start)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


def test_another_network_is_told_apart(gated: Path) -> None:
    assert export._difference(made(SMALL), gated, kind="step", frames=1) < 1e-4
    other = small("head=gated", seed=1)
    assert export._difference(other, gated, kind="step", frames=1) > 1e-2


def test_a_graph_that_is_not_the_network_is_not_written(
    gated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = SimpleNamespace(model_proto=onnx.load(gated))
    monkeypatch.setattr(torch.onnx, "export", lambda *given, **options: wrong)
    file = tmp_path / "step.onnx"
    file.write_bytes(b"as it was")
    with pytest.raises(ParameterError, match="nothing was written"):
        export_step(small("head=gated", seed=1), file)
    assert file.read_bytes() == b"as it was"
    assert list(tmp_path.iterdir()) == [file]


def test_the_network_that_sees_the_future_has_no_step(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="symmetric"):
        export_step(small("head=symmetric"), tmp_path / "step.onnx")
    with pytest.raises(ParameterError, match="frames is 1"):
        export_clip(small("head=gated"), tmp_path / "clip.onnx", frames=1)


def test_the_missing_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(MissingExtraError, match=r"onnxscript.*pulsephase\[onnx\]"):
        export_step(made(SMALL), tmp_path / "step.onnx")


def test_the_command_writes_tiny(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "tiny.onnx"
    assert main(["export", "tiny", "--onnx", str(file), "--step", "--json"]) == 0
    row = json.loads(capsys.readouterr().out)
    assert row["difference"] < 1e-4
    assert row["inputs"][:3] == ["frame", "frame_step", "state.mean"]
    frames = crops(20, size=36, seed=6)
    expected = pulse(PhaseNet.from_pretrained("tiny"), frames)
    np.testing.assert_allclose(stream(file, frames.numpy()), expected, atol=1e-4)


def test_the_command_names_wrong_use(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = str(tmp_path / "no" / "tiny.onnx")
    assert main(["export", "tiny", "--onnx", file]) == 2
    assert "there is no folder" in capsys.readouterr().err
    file = str(tmp_path / "tiny.onnx")
    assert main(["export", "tiny", "--onnx", file, "--step", "--frames", "9"]) == 2
    assert "--frames" in capsys.readouterr().err
    assert main(["export", "nosuch", "--onnx", file]) == 2
    assert "no weights 'nosuch'" in capsys.readouterr().err
