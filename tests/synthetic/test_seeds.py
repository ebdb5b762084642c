"""The table of reserved seeds: what is trained on is never what is judged on."""

from itertools import combinations

import pytest

from pulsephase.synthetic import seeds


@pytest.mark.parametrize(("one", "other"), list(combinations(seeds.RESERVED, 2)))
def test_no_two_uses_share_a_seed(one: str, other: str) -> None:
    a, b = seeds.RESERVED[one], seeds.RESERVED[other]
    assert a.stop <= b.start or b.stop <= a.start


def test_every_named_seed_lies_in_a_range() -> None:
    named = [value for name, value in vars(seeds).items() if name.endswith("_SEED")]
    assert len(named) == len(seeds.RESERVED)
    assert all(any(seed in span for span in seeds.RESERVED.values()) for seed in named)
