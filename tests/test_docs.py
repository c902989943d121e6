"""The documents: they run, and they say what the code says."""

import re
from pathlib import Path

import pytest

import typed_waffle
from tests.support.pages import PAGES, ROOT, run
from typed_waffle.config import PREFIX, Config

PUBLIC = [
    "BusUnavailable",
    "Change",
    "ConfigurationError",
    "DeclarationError",
    "FieldChange",
    "FleetReport",
    "InvalidChange",
    "NotBound",
    "RevisionConflict",
    "SettingLocked",
    "Snapshot",
    "Status",
    "StoreUnavailable",
    "UnknownSetting",
    "Waffle",
    "WaffleError",
    "WaffleModel",
    "WorkerInfo",
    "settings_changed",
    "settings_rejected",
]


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_every_block_runs(path: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Each Python block runs, prints what the page says it prints, and keeps its secrets safe."""
    written = path.read_text(encoding="utf-8")
    assert run(path, tmp_path) == len(re.findall(r"^```(?:python|text)$", written, re.MULTILINE))
    assert "plain text" not in caplog.text


def test_public_names() -> None:
    """The public names are these, and no module of ours slips in beside them."""
    assert typed_waffle.__all__ == PUBLIC
    assert all(hasattr(typed_waffle, name) for name in PUBLIC)


def test_api_page_names_what_is_public() -> None:
    """The API page documents every public name, and nothing else."""
    documented = re.findall(
        r"^\.\. (?:auto(?:class|exception)|py:data):: ([\w.]+)(?:\(\))?$",
        page("api.md"),
        re.MULTILINE,
    )
    assert sorted(n for n in documented if "." not in n) == PUBLIC
    assert len(documented) == len(set(documented))


def test_keys_table() -> None:
    """The table of keys names every key of the configuration with its default, and no other."""
    rows = re.findall(r"^\| `(WAFFLE_\w+)` \| (.+?) \| ", page("multiproc.md"), re.MULTILINE)
    defaults = {
        PREFIX + name.upper(): "unset" if field.default is None else f"`{field.default!r}`"
        for name, field in Config.model_fields.items()
    }
    assert [tuple(row) for row in rows] == list(defaults.items())


def test_every_error_has_a_heading() -> None:
    """The errors page has a heading for each public error, and for no other."""
    headings = re.findall(r"^## `(\w+)`$", page("errors.md"), re.MULTILINE)
    errors = [
        name
        for name in PUBLIC
        if isinstance(found := getattr(typed_waffle, name), type) and issubclass(found, Exception)
    ]
    assert sorted(headings) == errors


def test_contents_name_every_page() -> None:
    """The table of contents names every page in the folder, and each page exists."""
    contents = re.search(r"```\{toctree\}\n(?::.*\n)*\n(.*?)```", page("index.md"), re.DOTALL)
    assert contents
    pages = {path.stem for path in (ROOT / "docs").glob("*.md")} - {"index"}
    assert set(contents[1].split()) == pages
