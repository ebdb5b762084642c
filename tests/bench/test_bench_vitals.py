"""The benchmark of waves times what it says."""

from pulsephase.bench.vitals import measure, tasks


def test_every_row_has_a_figure() -> None:
    asked = tasks(quick=True)[:4]
    rows = list(measure(asked, quick=True))
    assert [row["what"] for row in rows] == [name for name, _ in asked]
    assert all(row["median"] > 0 and row["threads"] == 1 for row in rows)
