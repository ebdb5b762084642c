"""``python -m pulsephase``."""

from pulsephase.cli import entry

entry()
