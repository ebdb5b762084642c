"""The harness finds what it is for, the corpus passes, and command lines of any words end well."""

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from fuzz import corpus, material, mutate, sandbox
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pulsephase import cli


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> material.Material:
    return material.make(tmp_path_factory.mktemp("material"), layouts=("ubfc",))


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    yield tmp_path


def test_every_fault_that_was_found_ends_well(made: material.Material, elsewhere: Path) -> None:
    ended = {
        name: sandbox.run(words, log=elsewhere / "log")
        for name, words in corpus.cases(elsewhere / "corpus", made)
    }
    assert {name: each.fault for name, each in ended.items() if each.fault} == {}
    assert len(ended) > 20


def test_cases_from_a_seed_end_well(made: material.Material, elsewhere: Path) -> None:
    cases = material.cases(made, elsewhere / "work", 0)
    for _ in range(12):
        name, words = next(cases)
        outcome = sandbox.run(words, log=elsewhere / "log")
        assert outcome.fault is None, (name, words, outcome.said[-500:])


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    name=st.sampled_from([*cli.COMMANDS]),
    words=st.lists(st.sampled_from([*mutate.WILD, "--json", "--seed", "--out"]), max_size=4),
)
def test_words_of_any_kind_end_well(
    tmp_path_factory: pytest.TempPathFactory, name: str, words: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("words")
    before = Path.cwd()
    os.chdir(folder)
    try:
        line = [name, "--max-seconds", "0.5", *(word.replace("\x00", "") for word in words)]
        outcome = sandbox.run(line, log=folder / "log")
    finally:
        os.chdir(before)
    assert outcome.fault is None, (line, outcome.said[-500:])


def test_the_sandbox_sees_what_it_is_for(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(words: list[str]) -> int:
        if words == ["raise"]:
            raise RuntimeError("no")
        if words == ["code"]:
            return 7
        if words == ["grow"]:
            held = []
            while True:
                held.append(bytearray(50_000_000))
        while words == ["hang"]:
            pass
        return 0

    monkeypatch.setattr(cli, "main", broken)
    monkeypatch.setattr(sandbox, "BYTES", 300_000_000)
    log = elsewhere / "log"
    assert sandbox.run(["fine"], log=log).fault is None
    assert sandbox.run(["raise"], log=log).fault == "a traceback"
    assert sandbox.run(["code"], log=log).fault == "exit code 7"
    assert sandbox.run(["grow"], log=log).fault == "memory"
    assert sandbox.run(["hang"], log=log, seconds=1).fault == "a hang"


def test_a_case_is_a_function_of_its_seed() -> None:
    data = bytes(range(256)) * 40
    for change in (mutate.of_bytes, mutate.of_numbers):
        assert change(data, random.Random(5)) == change(data, random.Random(5))
        assert change(b"a 12 b 7.5", random.Random(1)) != b"a 12 b 7.5"
