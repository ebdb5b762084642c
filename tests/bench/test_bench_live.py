"""The benchmark of `live` counts what it says."""

import videos

from pulsephase.bench.live import NETWORKS, measure


def test_rows_say_what_was_timed() -> None:
    rows = list(measure(list(videos.noise(12, height=48, width=64))))
    assert [row["network"] for row in rows] == list(NETWORKS)
    for row in rows:
        assert (row["width"], row["height"], row["frames"], row["with_face"]) == (64, 48, 12, 0)
        assert 0 < row["median_ms"] <= row["p99_ms"]
        assert row["frames_per_s"] > 0
