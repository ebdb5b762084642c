"""Effective responses against closed forms: kernels that are planted, and finite differences."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from networks import SETTINGS, SMALL, crops, small
from torch import Tensor

from pulsephase.errors import InputError, ParameterError, ShapeError, WeightsError
from pulsephase.interpret import derivatives
from pulsephase.interpret.context import (
    QUICK,
    Budget,
    Context,
    clip_seed,
    has_pulse,
    skin_of,
    synthetic_context,
)
from pulsephase.interpret.derivatives import gate_linearity, linear_share, signal_rows, video_rows
from pulsephase.interpret.response import (
    head_response,
    motions,
    output_times,
    position_response,
    response_of,
    section,
    video_response,
)
from pulsephase.interpret.scores import (
    by_lag,
    causality,
    kernels_of,
    look_ahead,
    memory,
    snr_db,
    time_invariance,
)
from pulsephase.interpret.subject import (
    Foreign,
    Subject,
    network_of,
    open_network,
    open_subject,
    wave_of,
)
from pulsephase.models.asf import velocity
from pulsephase.models.constructive import load_gated, load_linear, oscillator_system
from pulsephase.models.tcn import GatedTCN, SymmetricTCN, UngatedTCN
from pulsephase.models.weights import save
from pulsephase.physics.doubling import doubling_stack
from pulsephase.physics.oscillator import Oscillator
from pulsephase.synthetic.seeds import INTERPRET_SEED

LITTLE = Budget(clips=2, frames=120, times=2, draws=5, resamples=30, quick=True)
SYSTEM = oscillator_system(Oscillator.from_natural_hz(1.4, damping=0.3), step_s=1 / 30)
TAPS = np.array([0.5, -0.2, 0.3])


def planted(layers: int = 5) -> UngatedTCN:
    head = UngatedTCN(1, 4, layers=layers, kernel=3).double().requires_grad_(False)
    load_linear(head, doubling_stack(SYSTEM, layers=layers))
    return head


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def filter_of(taps: np.ndarray, *, lead: int, name: str = "filter") -> Foreign:
    """Return a filter of the mean green of the frame, with ``lead`` taps in the future."""

    def function(frames: Tensor) -> Tensor:
        green = frames[:, :, 1].mean((2, 3))
        padded = torch.nn.functional.pad(green, (len(taps) - 1 - lead, lead))
        kernel = torch.from_numpy(taps[::-1].copy()).to(frames)
        return torch.nn.functional.conv1d(padded[:, None], kernel[None, None])[:, 0]

    return Foreign(function=function, name=name, size=8, sample_hz=30.0)


def test_rows_of_a_linear_head_are_its_kernel() -> None:
    head, times = planted(), [40, 50]
    rows = signal_rows(lambda x: wave_of(head, x), noise(3, 64, 1), times=times)
    lagged, lags = by_lag(rows, times=times)
    assert lags[0] == -13 and lags[-1] == 40
    kernel = SYSTEM.kernel(32)
    for clip in range(3):
        for row in range(2):
            found = lagged[clip, row, lags >= 0, 0]
            np.testing.assert_allclose(found[:32], kernel, atol=1e-13)
    assert np.abs(lagged[:, :, lags < 0]).max() == 0
    assert np.abs(lagged[:, :, lags >= 32]).max() < 1e-13


def test_rows_of_a_gated_head_are_finite_differences() -> None:
    torch.manual_seed(0)
    head = GatedTCN(2, 5, layers=3, kernel=3).double().requires_grad_(False)
    signals, step = 2 * noise(1, 20, 2), 1e-6
    (row,) = signal_rows(lambda x: wave_of(head, x), signals, times=[17])[0]
    for frame, channel in ((17, 0), (11, 1), (4, 0)):
        moved = [signals.clone(), signals.clone()]
        moved[0][0, frame, channel] += step
        moved[1][0, frame, channel] -= step
        after, before = (float(wave_of(head, each)[0, 17]) for each in moved)
        assert row[frame, channel] == pytest.approx((after - before) / (2 * step), rel=1e-6)


def test_video_rows_of_a_filter_are_its_taps_times_the_skin() -> None:
    frames, skin = crops(40, size=8, dtype=torch.float64), torch.rand(40, 8, 8).double()
    found = video_rows(filter_of(TAPS, lead=1), frames, skin, times=[20])
    green = (frames[0, :, 1] * skin).mean((1, 2)).numpy()
    expected = np.zeros((40, 3))
    expected[19:22, 1] = TAPS[::-1] * green[19:22]
    np.testing.assert_allclose(found.colour[0], expected, atol=1e-15)
    energy = np.zeros(40)
    energy[19:22] = TAPS[::-1] ** 2 / 64  # each of 64 pixels has a 64th of the mean
    np.testing.assert_allclose(found.energy[0], energy, atol=1e-17)


def test_video_rows_of_a_network_are_finite_differences() -> None:
    subject = network_of(small("head=gated"), name="small")
    frames, step = crops(30, dtype=torch.float64), 1e-6
    skin = torch.zeros(30, 12, 12).double()
    skin[:, 3:9, 2:10] = 0.7
    found = video_rows(subject, frames, skin, times=[28])
    for frame, colour in ((28, 1), (27, 0), (12, 2)):
        share = torch.zeros_like(frames)
        share[0, frame, colour] = frames[0, frame, colour] * skin[frame]
        after, before = (
            float(subject(frames + sign * step * share)[0, 28]) for sign in (1.0, -1.0)
        )
        slope = (after - before) / (2 * step)
        assert found.colour[0, frame, colour] == pytest.approx(slope, rel=1e-5, abs=1e-9)


def test_pieces_give_the_same_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    subject = network_of(small("head=gated"), name="small")
    frames, skin = crops(40, dtype=torch.float64), torch.ones(40, 12, 12)
    whole = video_rows(subject, frames, skin, times=[30, 35])
    monkeypatch.setattr(derivatives, "HELD_VALUES", 1.0)  # pieces of 8 frames
    pieces = video_rows(subject, frames, skin, times=[30, 35])
    np.testing.assert_allclose(pieces.colour, whole.colour, rtol=1e-9, atol=1e-15)
    assert whole.motion is not None and pieces.motion is not None
    torch.testing.assert_close(pieces.motion, whole.motion)


@pytest.mark.parametrize("lead", [0, 1, 2])
def test_look_ahead_and_causality_of_a_filter(lead: int) -> None:
    subject = filter_of(TAPS, lead=lead)
    context = synthetic_context(subject, budget=LITTLE)
    found = section(context)["levels"]["video"]
    assert found["look_ahead"] == {"frames": lead, "at_least": False}
    share = (TAPS[lead:] ** 2).sum() / (TAPS**2).sum()
    assert found["causality"] == pytest.approx(share, rel=1e-9)
    assert found["taps"] == 3 - lead


def test_a_statistic_of_the_clip_looks_ahead_to_its_end() -> None:
    def centred(frames: Tensor) -> Tensor:
        green = frames[:, :, 1].mean((2, 3))
        return green - green.mean(1, keepdim=True)

    subject = Foreign(function=centred, name="centred", size=8, sample_hz=30.0)
    found = section(synthetic_context(subject, budget=LITTLE))
    assert found["look_ahead"]["at_least"] and found["look_ahead"]["frames"] == 47  # 72 of 120
    assert "at least 47 frames ahead" in found["claim"]


def test_the_symmetric_control_looks_as_far_as_it_does() -> None:
    subject = network_of(small("head=symmetric"), name="symmetric")
    found = section(synthetic_context(subject, budget=LITTLE))
    lead = sum(layer.past // 2 for layer in _stack(subject.net.head).residual_layers())
    assert lead == 15
    for level in ("head", "video"):
        assert found["levels"][level]["look_ahead"] == {"frames": lead, "at_least": False}
        assert 0.5 < found["levels"][level]["causality"] < 0.999


def _stack(head: torch.nn.Module) -> SymmetricTCN:
    assert isinstance(head, SymmetricTCN)
    return head


def test_a_causal_network_has_exactly_no_look_ahead() -> None:
    subject = network_of(small("head=gated"), name="small")
    found = section(synthetic_context(subject, budget=LITTLE))
    for level in ("head", "position", "video"):
        assert found["levels"][level]["look_ahead"]["frames"] == 0
        assert found["levels"][level]["causality"] == 1
    assert found["levels"]["head"]["taps"] == 31 and "No sample" in found["claim"]


def test_position_moves_velocity_with_it() -> None:
    subject = network_of(small("head=gated"), name="small")
    context = synthetic_context(subject, budget=LITTLE)
    moving = motions(context)[:1]
    position = moving[:, :, : moving.shape[2] // 2]

    def wave(x: Tensor) -> Tensor:
        return subject.head(torch.cat([x, velocity(x, x.new_ones(x.shape[:2]), x[:, 0])], 2))

    times = output_times(120, count=2)
    expected, lags = by_lag(signal_rows(wave, position, times=times), times=times)
    found = position_response(context)
    np.testing.assert_allclose(found.rows[:1], expected[:, :, 1:-1], atol=1e-12)
    assert (found.lags == lags[1:-1]).all()


def test_scores_by_hand() -> None:
    lags = np.arange(-2, 3)
    assert causality(np.array([0.0, 1.0, 2.0, 1.0, 0.0]), lags) == 0.75
    assert memory(np.array([0.0, 1.0, 2.0, 1.0, 1e-30]), lags, floor=1e-9) == 2
    assert look_ahead(np.ones(5), lags, floor=1e-9).at_least
    same = np.broadcast_to(np.arange(5.0)[:, None], (3, 2, 5, 1))
    assert time_invariance(same) == pytest.approx(
        {"all": 1.0, "within_clips": 1.0, "between_clips": 1.0, "of_shape": 1.0}
    )
    louder = same * np.array([1.0, 3.0, 0.1])[:, None, None, None]
    assert time_invariance(louder)["of_shape"] == pytest.approx(1)
    assert time_invariance(louder)["all"] == pytest.approx(4.1**2 / 3 / (1 + 9 + 0.01))
    turned = same * np.array([1.0, -1.0])[None, :, None, None]
    assert time_invariance(turned)["within_clips"] == pytest.approx(0)
    by_clip = same * np.array([1.0, -1.0, 0.0])[:, None, None, None]
    assert time_invariance(by_clip)["between_clips"] == pytest.approx(0)
    assert time_invariance(by_clip)["within_clips"] == pytest.approx(1)


def test_kernels_lie_along_the_main_direction() -> None:
    profile, across = np.array([0.1, -0.9, 0.3]), np.array([0.6, 0.8])
    rows = np.zeros((2, 1, 4, 2))
    rows[0, 0, 1:], rows[1, 0, 1:] = np.outer(profile, across), 3 * np.outer(profile, across)
    found = kernels_of(rows, np.arange(-1, 3), taps=3)
    np.testing.assert_allclose(found.mean, -2 * profile)  # the largest tap is positive
    np.testing.assert_allclose(found.direction, -across)
    assert found.share == pytest.approx(1)


def test_snr_is_of_the_mean_kernel() -> None:
    rng = np.random.default_rng(0)
    kernel = SYSTEM.kernel(200)
    power = (kernel**2).mean()
    noisy = kernel + np.sqrt(power / 10) * rng.standard_normal((50, 200))
    assert snr_db(noisy) == pytest.approx(10 + 10 * np.log10(50), abs=0.5)
    assert snr_db(np.stack([kernel, kernel])) == np.inf


def test_gates_that_stand_still_are_linear() -> None:
    signals = noise(2, 80, 1)
    linear = planted(4)
    assert gate_linearity(linear, signals)["gate_linearity"] == 1
    gated = GatedTCN(1, 4, layers=4, kernel=3).double().requires_grad_(False)
    shares = []
    for scale in (1e-3, 0.3, 1.0):
        load_gated(gated, doubling_stack(SYSTEM, layers=4), scale=scale)
        shares.append(gate_linearity(gated, signals)["gate_linearity"])
    assert shares[0] == pytest.approx(1, abs=1e-6) and shares[0] > shares[1] > shares[2]
    torch.manual_seed(1)
    drawn = GatedTCN(1, 4, layers=4, kernel=3).double().requires_grad_(False)
    busy = gate_linearity(drawn, 30 * signals)
    assert busy["gate_linearity"] < 0.9 and len(busy["by_layer"]) == 4


def test_one_kernel_makes_all_of_a_linear_wave() -> None:
    head, signals, times = planted(4), noise(2, 80, 1), [40, 50]

    def wave(x: Tensor) -> Tensor:
        return wave_of(head, x)

    response = response_of(signal_rows(wave, signals, times=times), times)
    assert linear_share(wave, signals, response.rows, response.lags) == pytest.approx(1)

    def doubled(x: Tensor) -> Tensor:
        return wave(x) + 3 * wave(x) ** 2

    bent = response_of(signal_rows(doubled, signals, times=times), times)
    assert linear_share(doubled, signals, bent.rows, bent.lags) < 0.9


def test_subjects_are_refused_with_one_clear_error() -> None:
    context = synthetic_context(filter_of(TAPS, lead=0), budget=LITTLE)

    def of(function: object) -> Context:
        subject = replace(filter_of(TAPS, lead=0), function=function)  # type: ignore[type-var]
        return replace(context, subject=subject, made={})

    with pytest.raises(ParameterError, match="no gradient"):
        video_response(of(lambda x: x.detach().mean((2, 3, 4))))
    with pytest.raises(ShapeError, match="one number a frame"):
        video_response(of(lambda x: x.mean((2, 3))))
    with pytest.raises(ParameterError, match="not finite"):
        video_response(of(lambda x: x.mean((2, 3, 4)) / 0))
    with pytest.raises(ParameterError, match="size is 0"):
        replace(filter_of(TAPS, lead=0), size=0)
    with pytest.raises(ParameterError, match="redraw"):
        filter_of(TAPS, lead=0).redrawn(1)
    assert isinstance(filter_of(TAPS, lead=0), Subject)


def test_weights_of_another_architecture(tmp_path: Path) -> None:
    net = small("head=gated")
    wrong = replace(SMALL, width=SMALL.width + 1)
    save(tmp_path / "wrong.safetensors", config=wrong, tensors=net.state_dict(), card={})
    with pytest.raises(WeightsError, match="another architecture"):
        open_network(tmp_path / "wrong.safetensors")
    save(
        tmp_path / "ahead.safetensors",
        config=SETTINGS["head=symmetric"],
        tensors=small("head=symmetric").state_dict(),
        card={},
    )
    assert not open_network(tmp_path / "ahead.safetensors").config.causal  # not refused


def test_a_subject_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "from pulsephase.interpret.subject import Foreign\n"
        "def made():\n"
        "    mean = lambda x: x.mean((2, 3, 4))\n"
        "    return Foreign(function=mean, name='mine', size=8, sample_hz=30.0)\n"
        "one = made()\n"
        "number = 3\n"
        "def broken(): return 1 / 0\n"
        "def small(): return Foreign(function=abs, name='mine', size=0, sample_hz=30.0)\n"
    )
    for name in ("one", "made"):
        assert open_subject(f"{tmp_path}/mine.py:{name}").name == "mine"
    for name, words in {
        "number": "int; it must be a Subject",
        "none": "defines no 'none'; it defines one",
        "broken": r"ZeroDivisionError: division by zero \(line 7 of mine.py\)",
    }.items():
        with pytest.raises(InputError, match=words):
            open_subject(f"{tmp_path}/mine.py:{name}")
    with pytest.raises(ParameterError, match="size is 0"):
        open_subject(f"{tmp_path}/mine.py:small")
    (tmp_path / "bad.py").write_text("import no_such_module\n")
    with pytest.raises(InputError, match="ModuleNotFoundError"):
        open_subject(f"{tmp_path}/bad.py:one")
    with pytest.raises(InputError, match="no file"):
        open_subject(f"{tmp_path}/other.py:one")


def test_a_function_that_fails_is_named() -> None:
    def wrong(frames: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("takes 160 frames")

    subject = Foreign(function=wrong, name="theirs", size=8, sample_hz=30.0)
    with pytest.raises(InputError, match=r"theirs fails on frames \(1, 40, 3, 8, 8\).*takes 160"):
        subject(torch.zeros(1, 40, 3, 8, 8))


def test_seeds_share_no_clip() -> None:
    seeds = [clip_seed(seed, index) for seed in range(5) for index in range(300)]
    assert len(set(seeds)) == len(seeds) and clip_seed(0, 5) == INTERPRET_SEED + 5


def test_clips_and_their_skin() -> None:
    context = synthetic_context(filter_of(TAPS, lead=0), budget=LITTLE)
    clip = context.clips[0]
    assert clip.truth is not None and torch.equal(skin_of(clip), clip.truth.skin_mask)
    assert has_pulse(clip, sample_hz=30.0)
    unknown = replace(clip, truth=None)
    middle = skin_of(unknown)
    assert middle.shape == clip.frames[:, 0].shape and 0.2 < float(middle.mean()) < 0.5
    assert float(middle[:, 4, 4].min()) == 1 and float(middle[:, 0].max()) == 0
    still = replace(unknown, frames=torch.full((120, 3, 8, 8), 0.5))
    assert not has_pulse(still, sample_hz=30.0)
    assert QUICK.draws == 99


def test_motions_of_the_video_pass_are_those_of_the_head() -> None:
    subject = network_of(small("head=gated"), name="small")
    context = synthetic_context(subject, budget=LITTLE)
    video_response(context)
    torch.testing.assert_close(context.made["motions"], motions(context))
    assert head_response(context).rows.shape[3] == 2 * SMALL.position_channels
