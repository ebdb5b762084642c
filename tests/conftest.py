"""Shape checks are on while pytest runs: every jaxtyping annotation is enforced by beartype."""

import sys

import pytest
from hypothesis import settings
from jaxtyping import install_import_hook

install_import_hook(
    [
        f"pulsephase.{name}"
        for name in (
            "physics",
            "synthetic",
            "video",
            "vitals",
            "models",
            "proofs",
            "training",
            "evaluation",
            "interpret",
            "experiments",
        )
    ],
    "beartype.beartype",
)

settings.register_profile("untimed", deadline=None)  # a busy machine is no failure
settings.load_profile("untimed")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Draw the same numbers in a test whatever ran before it, in whichever worker."""
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)
