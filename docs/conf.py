"""Sphinx configuration."""

from importlib.metadata import version as version_of

project = "pulsephase"
author = "The pulsephase developers"
copyright = "2026, The pulsephase developers"
version = release = version_of("pulsephase")
extensions = ["myst_parser", "sphinx.ext.mathjax"]
myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = "pulsephase"
