"""The page on the networks computes what it says."""

import doctest
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "models.md"


def test_every_number_of_the_page_is_computed() -> None:
    result = doctest.testfile(str(PAGE), module_relative=False, optionflags=doctest.ELLIPSIS)
    assert result.attempted >= 40
    assert result.failed == 0
