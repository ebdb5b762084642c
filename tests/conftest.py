"""Shape checks are on while pytest runs: every jaxtyping annotation is enforced by beartype."""

from jaxtyping import install_import_hook

install_import_hook(
    [
        f"pulsephase.{name}"
        for name in ("physics", "synthetic", "video", "vitals", "models", "proofs", "experiments")
    ],
    "beartype.beartype",
)
