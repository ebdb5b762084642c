"""The ledger: every number that we publish, made row by row, and the page made from the rows."""
