"""What a refusal tells those who may not see every setting."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import pytest
from flask.testing import FlaskClient
from pydantic import Field, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError
from werkzeug.test import TestResponse

from tests.support.office import Office
from typed_waffle import WaffleModel

Offices = Callable[..., Office]

HIDDEN = "may quote settings that you may not see"


class Loose(WaffleModel):
    """Without rules."""

    low: int = 0
    high: int = 10
    cap: int = 5
    tone: int = 0
    free: Annotated[int, Field(le=100)] = 0


class Strict(Loose):
    """Whose rules talk."""

    @field_validator("cap")
    @classmethod
    def _capped(cls, value: int, info: ValidationInfo) -> int:
        if value > info.data["low"] + 100:
            raise ValueError(f"cap may be {info.data['low']}+100 at most")
        return value

    @field_validator("tone")
    @classmethod
    def _toned(cls, value: int, info: ValidationInfo) -> int:
        if value > info.data["low"] + 100:
            raise PydanticCustomError("too_loud", "it is louder than {low}", {**info.data})
        return value

    @model_validator(mode="after")
    def _ordered(self) -> Strict:
        if self.low > self.high:
            raise ValueError(f"low {self.low} is above high {self.high}")
        return self


class Closer(WaffleModel):
    """Whose rule is about the setting that not everybody may see."""

    free: int = 0
    low: int = 0

    @field_validator("low")
    @classmethod
    def _low(cls, value: int, info: ValidationInfo) -> int:
        assert info.data["free"] < 100, f"not with {value}"
        return value


def may_read(actor: str, name: str) -> bool:
    return actor == "root" or name != "low"


def api(office: Office) -> FlaskClient:
    return office.app.test_client()


def document(answer: TestResponse) -> Any:  # noqa: ANN401 - a JSON document
    return answer.json


@pytest.fixture
def office(offices: Offices) -> Office:
    office = offices(Strict, may_read=may_read)
    office.change(low=7)
    return office


@pytest.mark.parametrize(
    ("field", "value", "pointer"), [("high", 3, ""), ("cap", 3000, "/cap"), ("tone", 999, "/tone")]
)
def test_the_words_of_a_rule_are_for_who_sees_everything(
    office: Office, field: str, value: int, pointer: str
) -> None:
    """They may quote any setting. That it is refused is told, and where."""
    path = "/settings/api/settings"
    answer = api(office).patch(path, json={field: value}, headers={"X-Actor": "eve"})
    assert answer.status_code == 422
    assert "7" not in answer.text
    assert HIDDEN in document(answer)["detail"]
    assert [error["pointer"] for error in document(answer)["errors"]] == [pointer]
    told = api(office).patch(path, json={field: value}, headers={"X-Actor": "root"})
    assert "7" in document(told)["detail"]


@pytest.mark.parametrize(("field", "value"), [("high", 3), ("cap", 3000), ("tone", 999)])
def test_the_form_does_not_quote_them_either(office: Office, field: str, value: int) -> None:
    """Neither above the form nor at the setting."""
    for path in ("/review", "/save"):
        browser = office.browser("eve")
        browser.get()
        browser.post(path, {f"v.{field}": str(value), "revision": "1"})
        assert browser.response.status_code == 422
        assert HIDDEN in browser.text
        assert HIDDEN in browser.errors(field)[0]
        for quoted in ("low 7", "7+100", "than 7"):
            assert quoted not in browser.response.text
    root = office.browser("root")
    root.get()
    root.post("/review", {"v.high": "3", "revision": "1"})
    assert "low 7 is above high 3" in root.text


def test_what_a_type_says_of_its_own_value_is_told(office: Office) -> None:
    """No other setting is in it."""
    answer = api(office).patch(
        "/settings/api/settings", json={"free": 300}, headers={"X-Actor": "eve"}
    )
    assert "less than or equal to 100" in document(answer)["detail"]


def test_a_setting_that_they_may_not_see_is_not_named_when_it_is_refused(offices: Offices) -> None:
    """Neither where the rule stands, nor what is stored."""
    office = offices(Closer, may_read=may_read)
    office.change(low=4711)
    answer = api(office).patch(
        "/settings/api/settings", json={"free": 100}, headers={"X-Actor": "eve"}
    )
    assert answer.status_code == 422
    assert [error["pointer"] for error in document(answer)["errors"]] == [""]
    assert "4711" not in answer.text
    assert "low" not in answer.text
    assert "a setting that you may not see" in document(answer)["detail"]


def test_why_a_stored_value_is_not_shown_is_told_without_values(offices: Offices) -> None:
    """Who sees every setting is told the rule's words."""
    office = offices(Strict, may_read=lambda who, name: who == "root" or name != "high")
    office.change_elsewhere(Loose, low=77)
    office.change_elsewhere(Loose, high=3)
    eve, root = office.browser("eve"), office.browser("root")
    eve.get()
    root.get()
    assert "above high" not in eve.response.text
    assert HIDDEN in eve.said("low")
    assert "low 77 is above high" in root.said("low")


@pytest.mark.parametrize(
    "path", ["/", "/api/settings", "/api/workers", "/workers", "/history", "/healthz"]
)
def test_a_worker_that_rejects_what_is_stored_quotes_nothing(offices: Offices, path: str) -> None:
    """On no page."""
    office = offices(Strict, may_read=may_read)
    office.change(high=9)
    office.change_elsewhere(Loose, low=31337)
    office.revision()
    answer = api(office).get(f"/settings{path}", headers={"X-Actor": "eve"})
    assert answer.status_code in {200, 503}
    assert "31337" not in answer.text
