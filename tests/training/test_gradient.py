"""One gradient: whatever the processes and the parts that a step's clips are spread over."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from trainings import small, synthetic

from pulsephase.errors import TrainingError
from pulsephase.models.causality import frozen_statistics
from pulsephase.models.losses import pulse_loss
from pulsephase.training.config import TrainConfig
from pulsephase.training.distributed import AllBatchNorm2d, over_all_processes
from pulsephase.training.fit import fit, prepare
from pulsephase.training.module import Training
from pulsephase.training.network import build
from pulsephase.training.progress import validate
from pulsephase.training.settings import to_plain
from pulsephase.training.sources import collate

sys.path.insert(0, str(Path(__file__).parent))
from two_processes import gradient

STEP = small(
    precision="64-true",
    steps=1,
    batch=4,
    held_out=0,
    statistics="frozen",
    sources=(synthetic(no_pulse=0.4),),
)
BATCH_STATISTICS = replace(STEP, optimiser=replace(STEP.optimiser, statistics="batch"))


def apart(found: dict[str, Tensor], wanted: dict[str, Tensor]) -> float:
    """Return the largest difference over the largest value."""
    assert found.keys() == wanted.keys() and len(found) > 20
    size = max(float(tensor.abs().max()) for tensor in wanted.values())
    return max(float((found[name] - wanted[name]).abs().max()) for name in wanted) / size


def bearing(config: TrainConfig) -> list[bool]:
    mixture = prepare(config).mixture
    return [bool(mixture.training(index)["has_pulse"]) for index in range(config.data.batch)]


def test_halves_of_the_batch_bear_unequal_numbers_of_pulses() -> None:
    """Or the tests below could not tell a mean over halves from one over all."""
    has = bearing(STEP)
    assert sum(has[:2]) != sum(has[2:]) and 0 < sum(has) < 4


def test_the_gradient_is_that_of_the_loss_over_all_clips() -> None:
    """Against autograd on the whole batch at once, without Lightning."""
    net = frozen_statistics(build(STEP.network, seed=0).double().train())
    mixture = prepare(STEP).mixture
    batch = collate([mixture.training(index) for index in range(4)])
    warmup, delay = net.config.warmup, net.config.delay
    loss = pulse_loss(
        net(batch["frames"].double())[:, warmup:],
        batch["pulse"][:, warmup - delay : -delay].double(),
        batch["has_pulse"],
        batch["heart_rate_bpm"].double(),
        sample_hz=30.0,
        weights=STEP.loss,
    )
    loss.backward()
    wanted = {n: p.grad for n, p in net.named_parameters() if p.grad is not None}
    found = gradient(STEP)
    assert float(found.pop("loss")) == pytest.approx(float(loss.detach()), rel=1e-5)
    assert apart(found, wanted) < 1e-9


def test_accumulation_changes_no_gradient() -> None:
    parts = [replace(STEP, data=replace(STEP.data, accumulate=count)) for count in (1, 2, 4)]
    whole, *others = map(gradient, parts)
    for other in others:
        assert apart(other, whole) < 1e-9


def test_two_processes_have_the_gradient_of_one(tmp_path: Path) -> None:
    """Statistics frozen, and reduced over both; two parts each; and, to rounding, in float32."""
    single = replace(STEP, optimiser=replace(STEP.optimiser, precision="32-true"))
    parts = replace(STEP, data=replace(STEP.data, accumulate=2))
    asked = [(STEP, 1e-9), (BATCH_STATISTICS, 1e-9), (parts, 1e-9), (single, 1e-4)]
    out = tmp_path / "gradients.pt"
    call = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    script = Path(__file__).parent / "two_processes.py"
    package = str(Path(sys.modules["pulsephase"].__file__ or "").parents[1])
    done = subprocess.run(
        [*call, str(script), json.dumps([to_plain(config) for config, _ in asked]), str(out)],
        env={**os.environ, "PYTHONPATH": package, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    for found, (config, bound) in zip(torch.load(out), asked, strict=True):
        assert apart(found, gradient(config)) < bound, config.optimiser


def test_alone_the_reduced_norm_is_batch_normalisation() -> None:
    torch.manual_seed(0)
    plain = nn.Sequential(nn.BatchNorm2d(3))
    ours = over_all_processes(nn.Sequential(nn.BatchNorm2d(3)))
    assert isinstance(ours[0], AllBatchNorm2d)
    x, y = (3 * torch.randn(5, 3, 4, 4) + 7).requires_grad_(), None
    gradients = []
    for norm in (plain, ours):
        nn.init.uniform_(norm[0].weight.data.fill_(1.7))
        norm[0].weight.data.fill_(1.7)
        y = norm(x)
        (y.square() * torch.linspace(0, 1, 240).view_as(x)).sum().backward()
        gradients.append((x.grad.clone(), norm[0].weight.grad, y.detach()))
        x.grad = None
    for mine, theirs in zip(gradients[1], gradients[0], strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-5, atol=1e-4)
    for name, buffer in plain.state_dict().items():
        torch.testing.assert_close(ours.state_dict()[name], buffer)
    plain.eval(), ours.eval()
    torch.testing.assert_close(ours(x), plain(x))


def test_the_average_follows_its_law(monkeypatch: pytest.MonkeyPatch) -> None:
    r"""First the weights themselves, then :math:`\bar w \leftarrow d \bar w + (1 - d) w`."""
    seen: list[Tensor] = []
    average_in = Training.average_in

    def spy(self: Training) -> None:
        seen.append(self.net.stem.weight.detach().clone())
        average_in(self)

    monkeypatch.setattr(Training, "average_in", spy)
    result = fit(small(steps=3, ema=0.75, held_out=0))
    wanted = seen[0]
    for weights in seen[1:]:
        wanted = 0.75 * wanted + 0.25 * weights
    torch.testing.assert_close(result.net.stem.weight.detach(), wanted)
    assert float((wanted - seen[-1]).abs().max()) > 1e-5
    assert result.best_step == 3 and "validation_loss" not in result.history[-1]


def test_frozen_statistics_stay_as_they_were() -> None:
    for statistics, moved in (("frozen", False), ("batch", True)):
        result = fit(small(steps=1, held_out=0, statistics=statistics))
        assert bool(result.net.stem_norm.running_mean.any()) is moved


def test_a_validation_changes_nothing() -> None:
    """The average is read in inference mode: its statistics are those of training clips alone."""
    config = small(held_out=4)
    module = Training(build(config.network, seed=0), config)
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    clips = prepare(config).mixture.held_out(4)
    losses = [validate(module, [collate(clips[:2]), collate(clips[2:])]) for _ in range(2)]
    assert losses[0] == losses[1] == pytest.approx(validate(module, [collate(clips)]), rel=1e-5)
    for name, tensor in module.state_dict().items():
        assert torch.equal(tensor, before[name]), name


def test_a_loss_that_is_not_finite_names_its_clips() -> None:
    config = small()
    module = Training(build(config.network, seed=0), config).train()
    mixture = prepare(config).mixture
    batch = collate([mixture.training(0), mixture.training(1)])
    batch["heart_rate_bpm"][1] = float("nan")
    with pytest.raises(TrainingError, match=r"step 1, on lamps 1000000001$"):
        module.training_step(batch, 0)


def test_lower_precision_trains() -> None:
    result = fit(small(steps=1, precision="bf16-mixed"))
    assert result.net.stem.weight.dtype == torch.float32
