"""A setting that somebody may not see is to them as one that there is not."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Any

import pytest
from werkzeug.test import TestResponse

from tests.support.office import Browser, Office
from typed_waffle import WaffleModel
from typed_waffle.setting import Setting

NAMES = ("closed", "shut")
"""A setting that eve may not see, and its old name."""


class Shop(WaffleModel):
    """One of its settings is not for everybody."""

    free: int = 0
    closed: Annotated[str, Setting(renamed_from="shut")] = "quiet"


@pytest.fixture
def office(offices: Callable[..., Office]) -> Office:
    office = offices(Shop, may_read=lambda who, name: who == "root" or name != "closed")
    office.change(closed="by root", free=1)
    return office


@pytest.fixture
def eve(office: Office) -> Browser:
    browser = office.browser("eve")
    browser.get()
    return browser


def document(answer: TestResponse) -> Any:  # noqa: ANN401 - a JSON document
    return answer.json


def alike(name: str, *answers: str) -> None:
    """Two answers say the same, but for the name, and what is made anew for each."""
    told = [
        re.sub(r'name="csrf_token" value="[^"]*"', "", answer).replace(name, "nope")
        for answer in answers
    ]
    assert told[0] == told[1]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("path", ["/history?field={}", "/api/history?field={}"])
def test_its_history_is_that_of_no_setting(eve: Browser, path: str, name: str) -> None:
    """No status tells that there is one."""
    unseen = eve.get(path.format(name))
    unknown = eve.get(path.format("nope"))
    assert unseen.status_code == unknown.status_code
    alike(name, unseen.text, unknown.text)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", ["x", None, "by root", {"part": 1}])
def test_a_patch_of_it_is_one_of_no_setting(office: Office, name: str, value: object) -> None:
    """Whatever is sent for it, and beside it."""
    client = office.app.test_client()
    answers = [
        client.patch(
            "/settings/api/settings", json={"free": 5, key: value}, headers={"X-Actor": "eve"}
        )
        for key in (name, "nope")
    ]
    assert {answer.status_code for answer in answers} == {422}
    assert document(answers[0])["nearest"] is None
    alike(name, *(answer.text for answer in answers))
    assert office.revision() == 1


@pytest.mark.parametrize("path", ["/review", "/save", "/edit"])
@pytest.mark.parametrize(
    "form",
    [
        {"v.{}": "x"},
        {"n.{}": "1"},
        {"s.{}": "x"},
        {"reset": "{}"},
        {"v.{}": "by root", "w.{}": "line:by root"},
        {"v.{}": "quiet", "d.{}": "mine:x"},
        {"v.{}": "x", "keep": "{}"},
    ],
)
def test_a_form_that_names_it_names_no_setting(
    office: Office, eve: Browser, path: str, form: dict[str, str]
) -> None:
    """What was typed besides is kept."""
    told: list[str] = []
    for name in ("closed", "nope"):
        eve.get()
        given = {key.format(name): value.format(name) for key, value in form.items()}
        eve.post(path, {**given, "v.free": "7", "revision": "1"})
        told.append(f"{eve.response.status_code} {eve.response.text}")
        assert eve.control("free")["value"] == "7"
    alike("closed", *told)
    assert office.revision() == 1


def test_who_may_see_it_is_told_of_it(office: Office) -> None:
    """By both its names in the history, and by the one that it has in a patch."""
    root = office.browser("root")
    for name in NAMES:
        assert root.get(f"/history?field={name}").status_code == 200
        assert root.get(f"/api/history?field={name}").status_code == 200
    client, headers = office.app.test_client(), {"X-Actor": "root"}
    old = client.patch("/settings/api/settings", json={"shut": "x"}, headers=headers)
    assert (old.status_code, document(old)["nearest"]) == (422, "closed")
