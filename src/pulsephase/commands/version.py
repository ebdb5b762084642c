"""``pulsephase version``."""

import platform
from importlib.metadata import PackageNotFoundError, version

import click

from pulsephase.commands.common import emit, shared_options

PARTS = ("pulsephase", "torch", "numpy", "scipy", "sympy", "av", "opencv-python-headless")


@click.command(name="version")
@shared_options
def command(as_json: bool, device: str) -> None:
    """Print the versions that a report of a fault needs.

    Example: pulsephase version --json
    """
    found: dict[str, str | None] = {"python": platform.python_version()}
    for part in PARTS:
        try:
            found[part] = version(part)
        except PackageNotFoundError:
            found[part] = None
    if as_json:
        emit(dict(found))
        return
    for name, number in found.items():
        click.echo(f"{name} {number or 'not installed'}")
