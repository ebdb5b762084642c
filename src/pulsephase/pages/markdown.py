"""Tables and numbers as the ledger's page writes them."""

from collections.abc import Mapping
from typing import Any


def table(head: list[str], body: list[list[str]]) -> str:
    """Return a table in Markdown, all columns but the first to the right."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *body]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines) + "\n"


def gain(found: Mapping[str, Any]) -> str:
    """Return a difference in points with its interval.

    >>> gain({"value": 3.25, "interval_95": [-1.0, 7.04]})
    '+3.2 (-1.0 to +7.0)'
    """
    low, high = found["interval_95"]
    return f"{found['value']:+.1f} ({low:+.1f} to {high:+.1f})"


def percent(share: float) -> str:
    """Return a share in percent, one digit."""
    return f"{100 * share:.1f}"


def each(shares: list[float]) -> str:
    """Return the shares of the seeds, in percent."""
    return ", ".join(percent(share) for share in shares)


def made_by(row: Mapping[str, Any]) -> str:
    """Return which code made a row, and which made parts of it again."""
    again = "".join(f"; `{part}` again at {at}" for part, at in row.get("remade", {}).items())
    return f"Revision {row['revision']}{again}, torch {row['torch']}, {row['minutes']:g} minutes.\n"
