"""Entry: the login form for whoever has `WAFFLE_ADMIN_TOKEN`, and the way out."""

from __future__ import annotations

import re

from flask import Response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import NotFound, TooManyRequests, Unauthorized

from typed_waffle.admin.guard import told_of
from typed_waffle.admin.house import House
from typed_waffle.admin.pages.rendering import page
from typed_waffle.model import M

__all__ = ["add", "to_login"]

_BELOW = re.compile(r"(?!/)[A-Za-z0-9/_-]*(\?[!-\[\]-~]*)?")
"""What may follow the prefix: no dots, no backslash, no second slash, nothing encoded."""


def add(house: House[M]) -> None:
    """Add its routes."""

    def form(status: int = 200, trouble: str | None = None) -> Response:
        onward, name = request.values.get("next", ""), request.form.get("name", "")
        return page(house, "login", status, trouble=trouble, onward=onward, name=name)

    def login() -> ResponseReturnValue:
        """Ask for the token, and let in who has it."""
        if house.token.value is None:
            raise NotFound("There is no login here.")
        if request.method != "POST":
            return redirect(_onward(), 303) if house.token.logged_in else form()
        try:
            right = house.token.log_in(request.form.get("token", ""), request.form.get("name", ""))
        except TooManyRequests as error:
            told_of(error)
            seconds = error.retry_after
            answer = form(429, f"There were too many wrong tokens. Try again in {seconds} seconds.")
            answer.headers["Retry-After"] = str(seconds)
            return answer
        if not right:
            wrong = Unauthorized("A wrong token.")
            told_of(wrong)
            return form(401, "This is not the token. Nobody was let in.")
        return redirect(_onward(), 303)

    def logout() -> ResponseReturnValue:
        """Forget who is logged in."""
        house.token.log_out()
        return redirect(url_for(".login" if house.token.value else ".settings"), 303)

    def stale() -> ResponseReturnValue:
        if house.token.value is None:
            raise NotFound("There is no login here.")
        return form(400, "This form was open for too long. Type the token once more.")

    house.blueprint.add_url_rule("/login", "login", login, methods=["GET", "POST"])
    house.blueprint.add_url_rule("/logout", "logout", logout, methods=["POST"])
    house.again["login"] = stale


def to_login() -> ResponseReturnValue:
    """Send a visitor to the login form, from which they come back to where they are."""
    here = request.script_root + request.full_path.rstrip("?")
    onward = here if _is_below(here) else None
    return redirect(url_for(".login", next=onward), 303)


def _onward() -> str:
    """Where whoever logs in wanted to go, if that is a page of ours."""
    wanted = request.values.get("next", "")
    return wanted if _is_below(wanted) else url_for(".settings")


def _is_below(place: str) -> bool:
    home = url_for(".settings")
    return place.startswith(home) and bool(_BELOW.fullmatch(place.removeprefix(home)))
