"""The demo without a network: it says so, and a synthetic video stands in."""

import json
from pathlib import Path

import pytest

from pulsephase.cli import main
from pulsephase.measurement import demo
from pulsephase.video import samples


def test_without_samples_a_synthetic_video_stands_in(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def unavailable() -> list[samples.Sample]:
        raise samples.SamplesUnavailable("there is no network")

    monkeypatch.setattr(samples, "fetch_samples", unavailable)
    monkeypatch.setattr(demo, "SYNTHETIC_SIZE", (240, 180))
    code = main(["demo", "--out", str(tmp_path / "demo"), "--json"])
    captured = capsys.readouterr()
    assert "there is no network" in captured.err
    assert "synthetic video stands in" in captured.err
    result = json.loads(captured.out)
    assert code == 0
    (video,) = result["videos"]
    assert [row["method"] for row in video["methods"]] == ["phasenet", "pos", "chrom"]
    for row in video["methods"]:
        error = abs(row["estimate_bpm"] - video["reference_bpm"])
        assert row["error_bpm"] == pytest.approx(error)
    assert video["methods"][0]["error_bpm"] < 3
    assert (tmp_path / "demo" / "index.html").is_file()
    assert "cannot rank methods" in result["note"]
