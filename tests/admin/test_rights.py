"""Who may do what at which address: the table in `docs/security.md`, tried row by row."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from tests.support.office import PREFIX, Browser, Office, fields_of
from tests.support.pages import ROOT
from typed_waffle.admin import throttle

TOKEN = "the token of the operators, for tests"

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY")

ELSEWHERE = ({"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "null"})

COLUMNS: Mapping[str, tuple[tuple[str | None, Mapping[str, str]], ...]] = {
    "nobody": ((None, {}), (None, {"Authorization": "Bearer wrong"})),
    "who may read": (("reader", {}),),
    "who may change others": (("postman", {}),),
    "who may change it": (("writer", {}), (None, {"Authorization": f"Bearer {TOKEN}"})),
    "without token": (("writer", {"csrf": ""}),),
    "forged token": (("writer", {"csrf": "forged"}), ("writer", {"csrf": "ImZvcmdlZCI.Zg.Zg"})),
    "from another site": tuple(("writer", headers) for headers in ELSEWHERE),
}
"""Each column of the table: who comes, with which headers."""

WRITES = {("/save", "POST"), ("/rollback/<int:revision>", "POST")} | {
    ("/api/settings", "PATCH"),
    ("/api/rollback", "POST"),
}

Key = tuple[str, str]


def table() -> dict[Key, dict[str, str]]:
    """The table, by address and method."""
    text = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    lines = re.findall(r"^\|(.*)\|$", text, re.MULTILINE)
    cells = [[cell.strip().strip("`") for cell in line.split("|")] for line in lines]
    start = next(at for at, row in enumerate(cells) if row[0] == "address")
    head, rows = cells[start], cells[start + 2 :]
    return {(row[0], row[1]): dict(zip(head[2:], row[2:], strict=True)) for row in rows}


TABLE = table()


class Building:
    """An office with the rights of the table, and forms that somebody filled in there."""

    def __init__(self, folder: Path) -> None:
        self.office = Office(
            folder,
            may_write=lambda actor, name: (
                actor != "reader" and (actor, name) != ("postman", "name")
            ),
            keys={"WAFFLE_ADMIN_TOKEN": TOKEN},
        )
        self.office.change(name="One")
        self.office.change(name="Two")

    def rules(self) -> Iterator[tuple[str, Rule]]:
        """Every address of the blueprint."""
        for rule in self.office.app.url_map.iter_rules():
            if rule.rule.startswith(PREFIX):
                yield rule.rule.removeprefix(PREFIX), rule

    def send(
        self, key: Key, actor: str | None, headers: Mapping[str, str]
    ) -> tuple[TestResponse, bool]:
        """What is answered, and whether anything was changed; forms are filled in anew."""
        address, method = key
        browser = self.office.browser("writer")
        given = dict(headers)
        csrf = given.pop("csrf", None)
        if actor:
            given["X-Actor"] = actor
        options: dict[str, Any] = {}
        if address.startswith("/api") or method not in {"GET", "HEAD", "POST"}:
            options["json"] = {"revision": 1} if "rollback" in address else {"name": "Changed"}
            if csrf:
                given["X-CSRFToken"] = csrf
        elif method == "POST":
            options["data"] = _form(self.office, browser, address, csrf)
        before = self.office.settings()
        answer = browser._client.open(
            f"{PREFIX}{address}".replace("<int:revision>", "1").replace(
                "<path:filename>", "admin.css"
            ),
            method=method,
            headers=given,
            **options,
        )
        answer.get_data()
        answer.close()  # a file
        changed = self.office.settings() != before
        if changed:
            self.office.change(name="Two")
        return answer, changed


def _form(office: Office, browser: Browser, address: str, csrf: str | None) -> dict[str, Any]:
    """A form as one who may change it fills it in, with a token of the browser's session."""
    browser.get("/")
    typed = {**form(browser, "#settings"), "v.name": "Changed"}
    if address == "/save":
        browser.submit("#settings", {"v.name": "Changed"})
        typed = form(browser, "#review")
    if address.startswith("/rollback"):
        typed |= {"revision": str(office.revision()), "note": "back"}
    if address == "/login":
        typed |= {"token": TOKEN}
    if csrf is not None:
        typed["csrf_token"] = csrf
    return typed


def form(browser: Browser, selector: str) -> dict[str, Any]:
    """What stands in a form of the last page."""
    found = browser.soup.select_one(selector)
    assert found is not None
    return fields_of(found)


@pytest.fixture(scope="module")
def building(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Building]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(throttle, "ENOUGH", 1_000_000)  # wrong tokens are sent again and again
        building = Building(tmp_path_factory.mktemp("building"))
        yield building
        building.office.close()


def verdict(answer: TestResponse) -> str:
    """What an answer says to the request, as the table has it."""
    if answer.status_code in {400, 401, 403}:
        return "no"
    if f"{PREFIX}/login?" in answer.headers.get("Location", ""):
        return "login"
    assert answer.status_code in {200, 302, 303}, answer.status
    return "yes"


@pytest.mark.parametrize("key", TABLE, ids=" ".join)
def test_a_row(building: Building, key: Key) -> None:
    """Everybody is answered as the table says; a change is made there only where it says so."""
    for column, visitors in COLUMNS.items():
        for actor, headers in visitors:
            answer, changed = building.send(key, actor, headers)
            said = verdict(answer)
            assert said == TABLE[key][column], (column, headers, answer.status)
            assert changed == (said == "yes" and key in WRITES), (column, headers)


def test_every_address_has_its_rows(building: Building) -> None:
    """A route without a row fails, and so does a row without a route."""
    known = {address for address, _ in TABLE}
    routes = {address for address, rule in building.rules() if "nothing" not in rule.endpoint}
    assert routes == known


@pytest.mark.parametrize("method", METHODS)
def test_other_methods(building: Building, method: str) -> None:
    """What is not in the table is refused, whoever asks, and changes nothing; HEAD is as GET."""
    for address, rule in building.rules():
        if (address, method) in TABLE:
            continue
        row = TABLE.get((address, "GET"), {}) if method == "HEAD" else {}
        for column, visitors in COLUMNS.items():
            for actor, headers in visitors:
                answer, changed = building.send((address, method), actor, headers)
                told = (method, address, column, answer.status)
                assert not changed, told
                if row:
                    assert verdict(answer) == row[column], told
                elif method == "OPTIONS" and answer.status_code in {200, 204}:
                    assert answer.data == b"", told
                elif answer.status_code == 303:
                    assert (column, verdict(answer)) == ("nobody", "login"), told
                else:
                    nothing = 404 if "nothing" in rule.endpoint else 405
                    assert answer.status_code in {nothing, 400, 401, 403}, told
                    if column == "nobody" and address.startswith("/api"):
                        assert answer.status_code in {401, 405}, told


def test_without_a_token_there_is_no_way_in(tmp_path: Path) -> None:
    """Nobody is led to a login that is not there; the style sheet is all that everybody sees."""
    office = Office(tmp_path)
    client = office.app.test_client()
    try:
        for address, method in TABLE:
            path = re.sub("<.*>", "1", address) if "assets" not in address else "/assets/admin.css"
            answer = client.open(f"{PREFIX}{path}", method=method, buffered=True)
            expected = {200} if "assets" in address else {400, 403, 404}
            assert answer.status_code in expected, (address, method, answer.status)
    finally:
        office.close()
