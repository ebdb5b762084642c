"""Why a mutant survives: looked at by hand, one by one.

A mutant that is not listed here and survives is a gap in the tests. Keys are a module and the label
of the mutant; the test of this table refuses a key that no mutant has.
"""

REASONS: dict[tuple[str, str], str] = {}
