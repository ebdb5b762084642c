"""Every public data set from its look-alike to a judged network: verify, cache, train, evaluate.

The licensed sets come only from their authors; here each one's documented layout is filled with
synthetic people. What holds is that each link takes what the one before gives.
"""

from pathlib import Path

import pytest
from lookalikes import lookalike
from networks import SMALL

from pulsephase.evaluation.cases import part_of
from pulsephase.evaluation.judge import evaluate
from pulsephase.evaluation.methods import Classical, Network
from pulsephase.evaluation.verify import verify
from pulsephase.models.phasenet import PhaseNet
from pulsephase.training.config import CachedSource, Data, Machine, Optimiser, TrainConfig
from pulsephase.training.config import Network as Chosen
from pulsephase.training.fit import fit
from pulsephase.training.run_folder import RunFolder
from pulsephase.video.datasets.cache import Cache, build_cache
from pulsephase.video.datasets.registry import DATASETS, dataset
from pulsephase.video.datasets.splits import split as split_of

NO_TEST = ("samples",)  # two clips that choose nothing and judge nothing


@pytest.mark.parametrize("name", DATASETS)
def test_from_the_look_alike_to_a_judged_network(name: str, tmp_path: Path) -> None:
    subjects = 2 if name in NO_TEST else 3
    root = lookalike(tmp_path, name, subjects=subjects, seconds=6.0, conditions=1)
    checks = verify(root, dataset=dataset(name), least_s=5.0)
    assert len(checks) == subjects and not any(check.problems for check in checks)
    folder = tmp_path / "cache"
    report = build_cache(root, dataset=dataset(name), out=folder, size=SMALL.size)
    assert not report.failed
    cache = Cache(folder)
    split = "smoke" if name in NO_TEST else "default"
    config = TrainConfig(
        network=Chosen(overrides={key: getattr(SMALL, key) for key in SMALL.__slots__}),
        data=Data(
            cached=(CachedSource(cache=str(folder), split=split),),
            frames=150,
            batch=2,
            held_out=1,
        ),
        optimiser=Optimiser(steps=2),
        machine=Machine(workers=0),
    )
    trained = fit(config, folder=tmp_path / "run")
    sides = split_of(name, split, [entry.subject for entry in cache.entries])
    (source,) = trained.described["recorded"]
    seen = {*source["training"], *source["validation"]}
    people = {entry.subject for entry in cache.entries if entry.name in seen}
    assert people == {*sides.train, *sides.validation}
    part = "validation" if name in NO_TEST else "test"
    cases = part_of(cache, split, part)
    net = PhaseNet.from_pretrained(RunFolder(path=tmp_path / "run").weights)
    verdicts = evaluate([Network(net, name="phasenet"), Classical("pos")], cases)
    for verdict in verdicts:
        row = verdict.row
        assert row["dataset"] == name and row["clips"] == len(cases.entries) >= 1
        assert set(row["by_subject"]) == set(getattr(sides, part))
        assert row["unscored"] == row["lost"] == []
        assert row["mae_bpm"] >= 0 and 0.9 < row["coverage"] <= 1
        assert (row["device"] is None) == (not cache.entries[0].has_device)
    assert verdicts[1].row["mae_bpm"] < 5  # the pulse that was planted is the one in the label
