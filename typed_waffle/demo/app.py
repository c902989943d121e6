"""The shop: a Flask application whose views read the settings."""

import os
from typing import Any

from flask import Blueprint, Flask, request

from typed_waffle import InvalidChange
from typed_waffle.demo.settings import current_settings, waffle

__all__ = ["create_app"]

bp: Blueprint = Blueprint("shop", __name__)


def create_app() -> Flask:
    """Make the application; its configuration comes from `FLASK_...` environment variables."""
    app = Flask(__name__)
    app.config.from_prefixed_env()
    app.config["WAFFLE_ACTOR"] = lambda: f"worker {os.getpid()}"
    waffle.init_app(app)
    app.register_blueprint(bp)
    if "WAFFLE_ADMIN_TOKEN" in app.config:
        app.register_blueprint(waffle.admin())
    return app


@bp.get("/")
def index() -> str:
    """The page that customers see."""
    if current_settings.maintenance:
        return "<h1>Closed for maintenance</h1>"
    return (
        f"<h1>{current_settings.site_name}</h1>"
        f"<p>Orders from {current_settings.min_order} to {current_settings.max_order} euros.</p>"
    )


@bp.get("/worker")
def worker() -> dict[str, Any]:  # Any: a JSON object
    """What the worker that happens to answer shows, for the tour."""
    return {
        "pid": os.getpid(),
        "revision": waffle.snapshot().revision,
        "state": waffle.status().state,
        "settings": current_settings.model_dump(mode="json"),
    }


@bp.post("/maintenance")
def maintenance() -> dict[str, Any]:  # Any: a JSON object
    """Close the shop (`on=yes`) or open it (`on=no`): a change that a worker makes."""
    waffle.update(maintenance=request.form["on"])  # type: ignore[waffle-value] # as a form gives it
    return worker()


@bp.errorhandler(InvalidChange)
def refused(error: InvalidChange) -> tuple[str, int]:
    """Tell why nothing was changed."""
    return str(error), 422
