"""Sphinx configuration."""

import sys
from importlib.metadata import version as version_of
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_extensions"))

project = "pulsephase"
author = "The pulsephase developers"
copyright = "2026, The pulsephase developers"
version = release = version_of("pulsephase")
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "mathml", "api_pages"]
exclude_patterns = ["_build", "_extensions"]

myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 3
html_math_renderer = "mathml"

autodoc_default_options = {"members": True, "member-order": "bysource"}
autodoc_typehints_format = "short"
napoleon_use_ivar = True  # the fields of a dataclass, once
napoleon_attr_annotations = False  # the signature has the types already
default_role = "code"

html_theme = "furo"
html_title = "pulsephase"
suppress_warnings = ["ref.python"]  # results are importable from two modules of `vitals`
