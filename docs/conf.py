"""How Sphinx builds the docs."""

import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

from sphinx.application import Sphinx

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))  # what is documented is the checkout, installed or not

with (ROOT / "pyproject.toml").open("rb") as file:
    metadata = tomllib.load(file)["project"]

project = metadata["name"]
author = "typed-waffle contributors"
copyright = f"2026, {author}"
release = version = metadata["version"]

extensions = ["myst_parser", "sphinx.ext.autodoc"]
exclude_patterns = ["_build"]

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"

html_theme = "furo"
html_title = f"{project} {release}"

SECTION = re.compile(r"(Args|Raises):$")
ENTRY = re.compile(r" {4}(\w[\w, *]*): (.*)")
CODE = re.compile(r"(?<!`)`([^`]+)`(?!`)")
FIELD = {"Args": "param", "Raises": "raises"}


def fields(lines: list[str]) -> Iterator[str]:
    """Turn the sections of a docstring into fields, for which reStructuredText has a form."""
    section = ""
    for line in lines:
        heading, entry = SECTION.match(line), ENTRY.match(line)
        if heading:
            section = FIELD[heading[1]]
        elif section and entry:
            yield f":{section} {entry[1]}: {entry[2]}"
        elif section and line.startswith("        "):
            yield line[4:]
        else:
            section = "" if line else section
            yield line


def translate(_: Sphinx, __: str, ___: str, ____: object, _____: object, lines: list[str]) -> None:
    """Read a docstring as it is written: sections by name, code between single backticks."""
    text = CODE.sub(r"``\1``\ ", "\n".join(fields(lines)))
    lines[:] = text.split("\n")


def setup(app: Sphinx) -> None:
    """Be told of each docstring."""
    app.connect("autodoc-process-docstring", translate)
