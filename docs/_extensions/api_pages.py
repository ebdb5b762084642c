"""One page a package, made from its docstrings whenever the docs are built."""

import pkgutil
from importlib import import_module
from pathlib import Path

from sphinx.application import Sphinx

import pulsephase

PACKAGES = (
    "physics",
    "proofs",
    "synthetic",
    "video",
    "video.datasets",
    "vitals",
    "models",
    "models.classical",
    "training",
    "evaluation",
    "interpret",
    "measurement",
    "live",
    "bench",
    "pages",
)
ALONE = ("errors",)  # modules beside the packages that users meet


def first_line(name: str) -> str:
    """Return the first line of a module's or an object's docstring."""
    return (import_module(name).__doc__ or "").strip().partition("\n")[0]


def package_page(package: str) -> str:
    """Return the page of a package: what it is for, and every public module in it."""
    name = f"pulsephase.{package}"
    found = pkgutil.iter_modules(import_module(name).__path__)
    modules = [each.name for each in found if not each.ispkg and not each.name.startswith("_")]
    parts = [f"# `{name}`\n\n{first_line(name)}\n"]
    for module in modules:
        parts.append(f"## `{module}`\n\n```{{eval-rst}}\n.. automodule:: {name}.{module}\n```\n")
    return "\n".join(parts)


def index_page() -> str:
    """Return the page on what ``from pulsephase import ...`` gives, and the list of packages."""
    exports = [
        f"| `{name}` | {{py:obj}}`{value.__module__}.{value.__name__}` |"
        for name in pulsephase.__all__
        if hasattr(value := getattr(pulsephase, name), "__module__") and hasattr(value, "__name__")
    ]
    packages = [
        f"| [`pulsephase.{package}`]({package.replace('.', '-')}.md) "
        f"| {first_line(f'pulsephase.{package}')} |"
        for package in PACKAGES
    ]
    pages = [package.replace(".", "-") for package in PACKAGES]
    return "\n".join(
        [
            "# API\n",
            "Made from the docstrings. The [command line](../command-line.md) has its own page.\n",
            "## From the package itself\n",
            "| `from pulsephase import` | is |\n|---|---|",
            *exports,
            "\n## Packages\n",
            "| package | holds |\n|---|---|",
            *packages,
            "\n## Errors\n",
            *(f"```{{eval-rst}}\n.. automodule:: pulsephase.{name}\n```" for name in ALONE),
            "\n```{toctree}\n:hidden:\n",
            *pages,
            "```\n",
        ]
    )


def write(app: Sphinx) -> None:
    """Write the pages that changed into the folder of the sources, where git ignores them."""
    folder = Path(app.srcdir) / "reference" / "api"
    folder.mkdir(parents=True, exist_ok=True)
    wanted = {f"{package.replace('.', '-')}.md": package_page(package) for package in PACKAGES}
    wanted["index.md"] = index_page()
    for path in folder.glob("*.md"):
        if path.name not in wanted:
            path.unlink()
    for name, text in wanted.items():
        path = folder / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    """Write the pages before Sphinx looks for them."""
    app.connect("builder-inited", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
