"""What is imported from the package: names, signatures and types, kept in one file of text."""

import ast
import inspect
import json
import subprocess
import sys
import textwrap
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType

import pytest

import pulsephase
from pulsephase.cli import main

ROOT = Path(__file__).parents[1]
GOLDEN = Path(__file__).with_name("public_api.txt")
COMMAND = "python tests/test_public_api.py"
"""Writes the file anew; look at the difference, and tell it in the changelog."""
NAMES = [name for name in pulsephase.__all__ if name != "__version__"]


def signature(node: ast.FunctionDef, *, method: bool) -> str:
    """Return a signature as it is written, so that no version of Python changes it."""
    arguments = node.args
    if method and arguments.args:
        arguments.args = arguments.args[1:]
    result = "" if node.returns is None else f" -> {ast.unparse(node.returns)}"
    return f"({ast.unparse(arguments)}){result}"


def described(name: str, found: object) -> list[str]:
    """Return a line for a function; for a class also one for each field and public method."""
    (node,) = ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(found)))).body  # type: ignore[arg-type]
    if isinstance(node, ast.FunctionDef):
        return [f"{name}{signature(node, method=False)}"]
    assert isinstance(node, ast.ClassDef)
    bases = ", ".join(ast.unparse(base) for base in node.bases)
    lines = [f"class {name}({bases})" if bases else f"class {name}"]
    for item in node.body:
        if isinstance(item, ast.AnnAssign):
            lines.append(f"    {ast.unparse(item)}")
        if not isinstance(item, ast.FunctionDef):
            continue
        marks = {ast.unparse(each) for each in item.decorator_list}
        if item.name == "__init__":
            lines.append(f"    __init__{signature(item, method=True)}")
        elif not item.name.startswith("_") and "property" in marks:
            assert item.returns is not None
            lines.append(f"    {item.name}: {ast.unparse(item.returns)}  # property")
        elif not item.name.startswith("_"):
            lines.append(f"    {item.name}{signature(item, method='staticmethod' not in marks)}")
    return lines


def api() -> str:
    lines = []
    for name in NAMES:
        lines += described(name, getattr(pulsephase, name))
    return "\n".join(lines) + "\n"


def test_names_and_signatures_are_those_of_the_file() -> None:
    assert api() == GOLDEN.read_text(encoding="utf-8"), (
        f"the public API is not that of {GOLDEN.name}; if that is meant, run `{COMMAND}`, look at "
        "the difference, and write a line into the changelog"
    )


def test_what_a_researcher_types_is_there() -> None:
    from pulsephase import (  # noqa: F401
        Clip,
        Oscillator,
        PhaseNet,
        PhaseNetConfig,
        PulsePhaseError,
        PulseStream,
        TrainConfig,
        __version__,
        assert_causal,
        chrom,
        fit,
        green,
        heart_rate,
        interpret_network,
        measure,
        metrics,
        pos,
        preset,
        prove,
        read_clips,
        render,
    )


def test_no_name_is_a_module_of_the_package() -> None:
    """An import of a submodule sets it on the package, and would replace a name of the same."""
    modules = {found.name for found in iter_modules(pulsephase.__path__)}
    assert {"interpret", "measurement", "proofs"} <= modules
    assert modules.isdisjoint(pulsephase.__all__)


def test_names_mean_the_same_whatever_was_imported_before() -> None:
    for module in sorted(set(pulsephase._EXPORTS.values())):
        import_module(module)
    for name in NAMES:
        found = getattr(pulsephase, name)
        assert not isinstance(found, ModuleType) and callable(found), name
        assert found is getattr(import_module(pulsephase._EXPORTS[name]), name)
    assert callable(pulsephase.measure) and isinstance(pulsephase.interpret, ModuleType)


def test_the_lists_of_names_agree() -> None:
    """Checkers read the imports, Python reads the table, ``import *`` reads ``__all__``."""
    tree = ast.parse(Path(pulsephase.__file__).read_text(encoding="utf-8"))
    (block,) = (
        node
        for node in tree.body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    )
    typed = {
        alias.name: node.module
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert typed == pulsephase._EXPORTS
    assert sorted(typed) == sorted(NAMES)
    assert dir(pulsephase) == sorted(pulsephase.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'measures'"):
        pulsephase.measures  # noqa: B018


@pytest.mark.parametrize("name", NAMES)
def test_every_name_says_what_it_is(name: str) -> None:
    text = inspect.getdoc(getattr(pulsephase, name))
    assert text is not None and text.splitlines()[0].endswith((".", ":", "?", ")")), name


def test_fit_is_imported_without_its_extra_and_says_what_is_missing() -> None:
    code = (
        "import importlib.util as u, sys\n"
        "found = u.find_spec\n"
        "u.find_spec = lambda n, *a: None if n.split('.')[0] == 'lightning' else found(n, *a)\n"
        "sys.modules['lightning'] = None\n"
        "from pulsephase import TrainConfig, fit, PulsePhaseError\n"
        "from pulsephase.training.config import Data, SyntheticSource\n"
        "config = TrainConfig(data=Data(synthetic=(SyntheticSource(),)))\n"
        "try:\n    fit(config)\nexcept PulsePhaseError as error:\n    print(error)\n"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pip install 'pulsephase[train]'" in out.stdout


def test_theorems_are_proved_by_id() -> None:
    (found,) = pulsephase.prove("t14")
    assert found.proved and found.theorem.id == "T14"
    assert repr(found).startswith("Verdict(T14, ") and "wrong versions refused" in repr(found)
    with pytest.raises(pulsephase.PulsePhaseError, match="no theorem 'T99'"):
        pulsephase.prove("T99")


def test_a_network_that_is_none_is_refused() -> None:
    with pytest.raises(pulsephase.PulsePhaseError, match="the network is int; give the name"):
        inspect.unwrap(pulsephase.interpret_network)(3)  # type: ignore[arg-type]  # no shape hook
    with pytest.raises(pulsephase.PulsePhaseError, match="clips"):
        pulsephase.interpret_network("tiny", clips=0)


def test_an_interpretation_is_of_what_was_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pulsephase.interpret.analyse.analyse", lambda context: {"of": context})
    net = pulsephase.PhaseNet.from_pretrained("tiny")
    by_name, by_net = (
        pulsephase.interpret_network(each, quick=True, clips=1, seed=3)["of"]
        for each in ("tiny", net)
    )
    assert by_name.subject.name == "tiny" and by_net.subject.name == "network"
    assert by_name.budget.quick and by_name.budget.clips == len(by_name.clips) == 1
    assert by_name.seed == by_net.seed == 3
    for first, second in zip(by_name.clips, by_net.clips, strict=True):
        assert first.source == second.source and first.frames.equal(second.frames)
    frames = by_name.frames(by_name.clips[0])[:, :60]
    assert by_name.subject(frames).equal(by_net.subject(frames))


@pytest.mark.slow
def test_an_interpretation_is_that_of_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    found = pulsephase.interpret_network("tiny", quick=True, clips=1)
    assert main(["interpret", "tiny", "--quick", "--count", "1", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert found["verdict"]["sentence"] == told["verdict"]["sentence"]
    assert json.loads(json.dumps(found["sections"])) == told["sections"]


RETURNED = {
    "PhaseNet": "pulsephase.models.phasenet.PhaseNet",
    "measure": "pulsephase.measurement.measure.Measurement",
    "fit": "pulsephase.training.fit.Trained",
    "metrics": "pulsephase.vitals.metrics.Metrics",
    "heart_rate": "pulsephase.vitals.result.HeartRate",
    "interpret_network": "dict[str, Any]",
    "preset": "pulsephase.synthetic.config.SynthConfig",
    "render": "pulsephase.video.clip.Clip",
    "Clip": "pulsephase.video.clip.Clip",
}
"""What calling a name gives, as a type checker says it."""


@pytest.mark.slow
def test_a_type_checker_sees_the_types(tmp_path: Path) -> None:
    lines = ["import pulsephase", *(f"reveal_type(pulsephase.{name})" for name in NAMES)]
    user = tmp_path / "user.py"
    user.write_text("\n".join([*lines, "pulsephase.measures", "pulsephase.measure(3)", ""]))
    command = [sys.executable, "-m", "mypy", "--config-file", "pyproject.toml", str(user)]
    out = subprocess.run(command, capture_output=True, text=True, cwd=ROOT).stdout
    notes = [line.split("Revealed type is ")[1] for line in out.splitlines() if "Revealed" in line]
    seen = dict(zip(NAMES, notes, strict=True))
    for name, text in seen.items():
        assert text not in ('"Any"', '"object"'), (name, out)
    for name, words in RETURNED.items():
        assert seen[name].startswith('"def (') and seen[name].endswith(f'-> {words}"'), seen[name]
    assert 'Module has no attribute "measures"' in out
    assert 'Argument 1 to "measure" has incompatible type "int"' in out


if __name__ == "__main__":
    GOLDEN.write_text(api(), encoding="utf-8")
    sys.stdout.write(f"wrote {GOLDEN}\n")
