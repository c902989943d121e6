"""What the API says of itself: the schema of the settings, and the OpenAPI document."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from jsonschema import Draft202012Validator

from tests.support.compounds import KINDS
from tests.support.gallery import Parts, Values
from tests.support.kinds import Kind
from tests.support.teller import Teller
from typed_waffle import Waffle, WaffleModel
from typed_waffle.admin.api.schema import within
from typed_waffle.admin.api.shapes import Shapes
from typed_waffle.portable.schema import schema_of
from typed_waffle.values import data, dumped, masked

RIGHTS = {"may_read": lambda actor, name: actor == "ann" or name not in {"smtp", "api_key"}}


@pytest.fixture
def teller(tmp_path: Path) -> Iterator[Teller]:
    teller = Teller(tmp_path, rights=RIGHTS)
    yield teller
    teller.close()


def component(document: Any, name: str) -> Draft202012Validator:  # noqa: ANN401 - a JSON document
    """The check of what a component of the document describes."""
    schema = {**document, "$ref": f"#/components/schemas/{name}"}
    return Draft202012Validator(schema)


# --- schema -----------------------------------------------------------------------------------


def test_schema_is_that_of_the_model(teller: Teller) -> None:
    """Who may see all settings gets the whole schema."""
    answer = teller.ask("GET", "/api/schema")
    assert answer.content_type == "application/schema+json"
    assert answer.json == schema_of(teller.waffle.model)


def test_schema_hides_what_may_not_be_seen(teller: Teller) -> None:
    """Neither the settings are in it, nor the definitions that only they need."""
    schema = teller.get("/api/schema", actor="bob")
    assert "smtp" not in schema["properties"]
    assert schema["$defs"].keys() == {"Tone"}
    assert "password" not in str(schema)


# --- OpenAPI ----------------------------------------------------------------------------------


def test_document_names_every_resource(teller: Teller) -> None:
    """Every route of the API is in it with the methods that it has, and no other."""
    document = teller.get("/api/openapi.json")
    assert document["openapi"] == "3.1.0"
    assert {path: set(methods) for path, methods in document["paths"].items()} == {
        "/api/settings": {"get", "patch"},
        "/api/history": {"get"},
        "/api/rollback": {"post"},
        "/api/workers": {"get"},
        "/api/schema": {"get"},
        "/api/openapi.json": {"get"},
        "/healthz": {"get"},
    }
    routes = {
        str(rule).removeprefix("/settings")
        for rule in teller.app.url_map.iter_rules()
        if rule.endpoint.startswith("waffle_admin.api_")
    }
    assert routes - {"/api", "/api/", "/api/<path:rest>"} == set(document["paths"])


@pytest.mark.parametrize("model", [Values, Parts])
def test_schemas_are_valid_and_refer_to_what_is_there(
    tmp_path: Path, model: type[WaffleModel]
) -> None:
    """Every schema is one, and every reference leads somewhere."""
    teller = Teller(tmp_path, model)
    document = teller.get("/api/openapi.json")
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    for part in within(document):
        found = document
        for key in part.get("$ref", "#").split("/")[1:]:
            found = found[key]
    teller.close()


def test_answers_fit_the_document(teller: Teller) -> None:
    """Settings, history, workers, health and problems are what it says."""
    document = teller.get("/api/openapi.json")
    teller.patched({"low": 1, "api_key": "x", "menu": {"tea": 2}})
    answers = {
        "Settings": teller.get("/api/settings"),
        "History": teller.get("/api/history"),
        "RolledBack": teller.ask("POST", "/api/rollback", json={"revision": 0}).json,
        "Fleet": teller.get("/api/workers?revision=1"),
        "Health": teller.get("/healthz"),
        "Problem": teller.patch({"low": 2}, headers={"If-Match": '"0"'}).json,
    }
    for name, answer in answers.items():
        component(document, name).validate(answer)
    assert answers["Problem"]["changes"]


def test_patches_fit_the_document(teller: Teller) -> None:
    """What is taken is described, and what is refused is not."""
    fits = component(teller.get("/api/openapi.json"), "SettingsPatch").is_valid
    taken: list[Any] = [{}, {"low": None}, {"smtp": {"port": None}}, {"menu": {"tea": None}}]
    for patch in taken:
        assert fits(patch)
        assert teller.patch(patch).status_code == 200
    refused: list[Any] = [
        *({"lwo": 1}, {"low": "1"}, {"smtp": {"prt": 1}}, {"smtp": {"port": 0}}, {"menu": []}),
        *({"max_filesize": "2 furlongs"}, {"tone": "rude"}, {"tags": ["a"] * 4}, {"low": 1.5}),
    ]
    for patch in refused:
        assert not fits(patch)
        assert teller.patch(patch).status_code == 422


def test_document_hides_what_may_not_be_seen(teller: Teller) -> None:
    """Settings that they may not see are in no part of it."""
    document = teller.get("/api/openapi.json", actor="bob")
    assert "smtp" not in str(document).lower()
    assert "api_key" not in str(document)
    assert "Smtp.patch" in teller.get("/api/openapi.json")["components"]["schemas"]


def test_secrets_are_only_given(teller: Teller) -> None:
    """A secret is a password in a patch, and asterisks in an answer."""
    schemas = teller.get("/api/openapi.json")["components"]["schemas"]
    given, _ = schemas["SettingsPatch"]["properties"]["api_key"]["anyOf"]
    assert given == {"type": "string", "format": "password", "writeOnly": True}
    assert schemas["Settings"]["properties"]["api_key"]["const"] == "**********"
    assert schemas["Smtp.shown"]["properties"]["password"]["const"] == "**********"


def test_the_token_is_described_where_there_is_one(tmp_path: Path, teller: Teller) -> None:
    """Without a token, the application alone knows how one comes in."""
    assert "security" not in teller.get("/api/openapi.json")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    token = Teller(elsewhere, WAFFLE_ADMIN_TOKEN="a token of twenty or more")
    document = token.get("/api/openapi.json")
    assert document["security"] == [{"token": []}]
    assert document["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
    token.close()


def test_servers_are_where_the_page_is(tmp_path: Path) -> None:
    """The prefix is the one that the blueprint has, below where the application is."""
    app = Flask("shop", instance_path=str(tmp_path))
    app.config.update(SECRET_KEY="x", WAFFLE_DATABASE_URL=f"sqlite:///{tmp_path / 'w.db'}")
    waffle = Waffle(Values)
    waffle.init_app(app)
    app.register_blueprint(waffle.admin("/ops", authorize=lambda: "ann"))
    answer = app.test_client().get("/ops/api/openapi.json", base_url="http://localhost/shop")
    assert answer.json
    assert answer.json["servers"] == [{"url": "/shop/ops"}]
    waffle.close()


# --- every kind -------------------------------------------------------------------------------


def faults(kind: Kind) -> list[str]:
    """What the shapes of a kind have against what is shown and what is given of it."""
    schema = schema_of(kind.model)
    shapes = Shapes(schema.pop("$defs", {}))
    answer, patch = shapes.answer(schema), shapes.patch(schema)
    components = {"components": {"schemas": shapes.components}}
    found: list[str] = []
    for value in (kind.default, *kind.picked):
        if kind.refused(value):
            continue
        settings = kind.model.model_validate({"value": value})
        shown, stored = masked(settings, ["value"]), dumped(settings, ["value"])
        for shape, texts in ((answer, shown), (patch, stored)):
            check = Draft202012Validator({**shape, **components})
            found += [e.message for e in check.iter_errors({"value": data(texts["value"])})]
    return found


def test_every_kind_fits_its_shapes() -> None:
    """What is shown of each kind fits the answer, and what is stored of it may be given."""
    assert {name: found for name, kind in KINDS.items() if (found := faults(kind))} == {}
