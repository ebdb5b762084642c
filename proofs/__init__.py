"""One file a theorem: statement, assumptions, a check that can fail, and mutants that must."""
