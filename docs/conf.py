# SPDX-License-Identifier: GPL-2.0-or-later
"""Sphinx configuration; docs/build-docs is the way to run it."""
import pathlib
import sys

DOCS = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(DOCS))

project = "Jumpcut"
author = "the Jumpcut contributors"
copyright = "the Jumpcut contributors"  # noqa: A001 (Sphinx's own name)
language = "en"

extensions = ["conformance", "deviations"]
exclude_patterns = []
highlight_language = "none"
default_role = "literal"

html_theme = "alabaster"
html_show_copyright = False
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "description": "Cut the clocks of an unmodified guest",
    "page_width": "62em",
    "sidebar_width": "16em",
}
