"""The API is what its OpenAPI document says: schemathesis tries what that allows, and what not."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from flask import Flask
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema
from schemathesis.schemas import BaseSchema
from werkzeug.serving import make_server

from tests.support.gallery import Parts, Values
from typed_waffle import Waffle
from typed_waffle.admin import throttle

TOKEN = "the token of the operators, for tests"

# What is expected of a valid request by itself, and 412: no document can say which revision is
# the present one, so that a valid `If-Match` may name another.
ACCEPTED = ["2xx", "3xx", "401", "403", "404", "409", "412", "429"]

# What is expected of others by itself, and 412, for the same reason.
REFUSED = ["400", "401", "403", "404", "405", "406", "409", "412", "415", "422", "429"]

CONFIG: dict[str, Any] = {  # Any: as in schemathesis.toml
    "seed": 7,
    "auth": {"openapi": {"token": {"bearer": TOKEN}}},
    "generation": {"max-examples": 15, "deterministic": True},
    "checks": {
        "positive_data_acceptance": {"expected-statuses": ACCEPTED},
        "negative_data_rejection": {"expected-statuses": REFUSED},
    },
    "operations": [
        {
            "include-name": "POST /api/rollback",
            # Nor can it say which revisions there are.
            "checks": {"positive_data_acceptance": {"expected-statuses": [*ACCEPTED, "422"]}},
        }
    ],
}


@pytest.fixture(params=[Values, Parts])
def document(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[BaseSchema]:
    # One of the checks is to come with wrong tokens, again and again.
    monkeypatch.setattr(throttle, "ENOUGH", 1_000_000)
    app = Flask("gallery", instance_path=str(tmp_path))
    app.config.update(
        SECRET_KEY="for tests",
        WAFFLE_ADMIN_TOKEN=TOKEN,
        WAFFLE_DATABASE_URL=f"sqlite:///{tmp_path / 'waffle.db'}",
    )
    waffle = Waffle(request.param)
    waffle.init_app(app)
    app.register_blueprint(waffle.admin())
    server = make_server("127.0.0.1", 0, app, threaded=True)
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    yield schemathesis.openapi.from_url(
        f"http://127.0.0.1:{server.port}/settings/api/openapi.json",
        config=SchemathesisConfig.from_dict(CONFIG),
        headers={"Authorization": f"Bearer {TOKEN}"},
        wait_for_schema=None,
    )
    server.shutdown()
    serving.join()
    server.server_close()
    waffle.close()


@pytest.mark.slow
def test_api_is_what_its_document_says(document: BaseSchema) -> None:
    """Whatever the document allows is accepted, what it forbids is refused, and answers fit it."""
    failed: list[str] = []
    statuses: Counter[int] = Counter()
    for event in from_schema(document).execute():
        if isinstance(event, events.FatalError):
            failed.append(repr(event.exception))
        elif isinstance(event, events.NonFatalError):
            failed.append(f"{event.label}: {event.value!r}")
        elif isinstance(event, events.ScenarioFinished):
            answers = {case: made.response for case, made in event.recorder.interactions.items()}
            statuses.update(answer.status_code for answer in answers.values() if answer)
            failed += [
                f"{check.failure_info.failure}\n{check.failure_info.code_sample}"
                for checks in event.recorder.checks.values()
                for check in checks
                if check.failure_info
            ]
    assert not failed, "\n\n".join(dict.fromkeys(failed))
    # It was let in, and it tried both.
    assert statuses[200] > 100
    assert statuses[422] > 100
