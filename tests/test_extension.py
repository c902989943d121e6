"""Waffle: binding, reading, writing, and callbacks, as an application uses them."""

import logging
from asyncio import CancelledError
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from tests.support.apps import Apps, Settings
from typed_waffle import (
    Change,
    ConfigurationError,
    InvalidChange,
    RevisionConflict,
    Snapshot,
    UnknownSetting,
    Waffle,
    settings_changed,
    settings_rejected,
)


@pytest.fixture
def apps(tmp_path: Path) -> Iterator[Apps]:
    apps = Apps(tmp_path)
    yield apps
    apps.close()


@pytest.fixture
def app(apps: Apps) -> Flask:
    return apps.app()


@pytest.fixture
def waffle(apps: Apps, app: Flask) -> Waffle[Settings]:
    return apps.bound(app)


@pytest.fixture
def elsewhere(apps: Apps) -> Waffle[Settings]:
    return apps.elsewhere()


# --- binding ----------------------------------------------------------------------------------


def test_a_second_init_app_explains_itself(waffle: Waffle[Settings], app: Flask) -> None:
    """Binding the same namespace to an app twice says what to do instead."""
    with pytest.raises(ConfigurationError, match="a namespace of its own"):
        Waffle(Settings).init_app(app)


@pytest.mark.parametrize("namespace", ["", "a b", "-x", "x" * 65, "ä"])
def test_a_namespace_has_a_plain_form(namespace: str) -> None:
    """A namespace that could not be a key everywhere is refused, and shown."""
    with pytest.raises(ConfigurationError, match="namespace") as caught:
        Waffle(Settings, namespace=namespace)
    assert repr(namespace) in str(caught.value)


def test_two_apps_never_see_each_others_values(apps: Apps, tmp_path: Path) -> None:
    """One Waffle serves two apps on two databases, each with its own values."""
    other = apps.app(WAFFLE_DATABASE_URL=f"sqlite:///{tmp_path / 'other.db'}")
    one = apps.app()
    waffle = apps.bound(one)
    waffle.init_app(other)
    with one.app_context():
        waffle.update(name="one")
    with other.app_context():
        assert waffle.current_settings.name == "Waffle"
        waffle.update(name="other")
        with one.app_context():
            assert waffle.current_settings.name == "one"
        assert waffle.current_settings.name == "other"


def test_two_namespaces_of_one_app_are_apart(apps: Apps, app: Flask) -> None:
    """Two Waffles share an app and a database without sharing values or revisions."""
    one, two = apps.bound(app), apps.bound(app, namespace="two")
    with app.app_context():
        one.update(name="one")
        assert (two.current_settings.name, two.snapshot().revision) == ("Waffle", 0)
        assert two.history() == ()


def test_the_repr_tells_model_and_namespace() -> None:
    """A Waffle is recognized in a log."""
    assert repr(Waffle(Settings, namespace="shop")) == "<Waffle Settings 'shop'>"


# --- reading ----------------------------------------------------------------------------------


def test_a_view_sees_one_snapshot_around_a_change(
    waffle: Waffle[Settings], elsewhere: Waffle[Settings], app: Flask
) -> None:
    """Two fields read around a change come from one snapshot; the next request sees the new one."""

    @app.get("/")
    def view() -> dict[str, int]:
        low = waffle.current_settings.low
        elsewhere.update(low=low + 100, high=low + 110)
        waffle._bindings.meant().started().runtime.refresh()  # as the listener would
        return {"low": low, "high": waffle.current_settings.high}

    client = app.test_client()
    assert client.get("/").get_json() == {"low": 0, "high": 10}
    assert client.get("/").get_json() == {"low": 100, "high": 110}


def test_a_write_is_seen_in_the_context_that_made_it(waffle: Waffle[Settings], app: Flask) -> None:
    """After its own update a context sees what it wrote."""
    with app.app_context():
        assert waffle.current_settings.name == "Waffle"
        waffle.update(name="mine")
        assert waffle.current_settings.name == "mine"


def test_an_inner_context_has_a_pin_of_its_own(
    waffle: Waffle[Settings], elsewhere: Waffle[Settings], app: Flask
) -> None:
    """A context inside another takes a new snapshot; the outer one keeps its own."""
    with app.app_context():
        assert waffle.current_settings.name == "Waffle"
        elsewhere.update(name="new")
        waffle._bindings.meant().started().runtime.refresh()
        with app.app_context():
            assert waffle.current_settings.name == "new"
        assert waffle.current_settings.name == "Waffle"


def test_outside_of_any_context_reads_are_live(
    waffle: Waffle[Settings], elsewhere: Waffle[Settings]
) -> None:
    """Without a context each read shows the live snapshot."""
    assert waffle.current_settings.name == "Waffle"
    elsewhere.update(name="new")
    waffle.refresh()
    assert waffle.current_settings.name == "new"
    assert waffle.snapshot().revision == 1


def test_pinned_keeps_one_snapshot(waffle: Waffle[Settings], elsewhere: Waffle[Settings]) -> None:
    """Inside `pinned()` all reads show the snapshot that it yielded, whatever changes."""
    with waffle.pinned() as settings:
        elsewhere.update(name="new")
        waffle._bindings.meant().started().runtime.refresh()
        assert waffle.current_settings.name == settings.name == "Waffle"
    assert waffle.current_settings.name == "new"


def test_a_write_inside_of_pinned_is_seen(waffle: Waffle[Settings]) -> None:
    """An update inside `pinned()` re-pins; what was yielded stays as it was."""
    with waffle.pinned() as settings:
        waffle.update(name="mine")
        assert (waffle.current_settings.name, settings.name) == ("mine", "Waffle")


def test_a_write_inside_of_pinned_is_seen_after_it(
    waffle: Waffle[Settings], elsewhere: Waffle[Settings], app: Flask
) -> None:
    """The context goes on with what it wrote, or asked for, within nested blocks as well."""
    with app.app_context():
        assert waffle.current_settings.name == "Waffle"
        with waffle.pinned():
            with waffle.pinned():
                waffle.update(name="mine")
            assert waffle.current_settings.name == "mine"
        assert waffle.current_settings.name == "mine"
        with waffle.pinned():
            elsewhere.update(name="new")
            waffle.refresh()
        assert waffle.current_settings.name == "new"


def test_a_write_in_an_inner_context_is_not_seen_outside_of_it(
    waffle: Waffle[Settings], app: Flask
) -> None:
    """What an outer context pinned stays, also by a block around the inner one."""
    with app.app_context(), waffle.pinned():
        with app.app_context(), waffle.pinned():
            waffle.update(name="mine")
        assert waffle.current_settings.name == "Waffle"


def test_refresh_shows_what_is_stored_now(
    waffle: Waffle[Settings], elsewhere: Waffle[Settings], app: Flask
) -> None:
    """`refresh` re-pins the context that asks for it."""
    with app.app_context():
        assert waffle.current_settings.name == "Waffle"
        elsewhere.update(name="new")
        waffle.refresh()
        assert waffle.current_settings.name == "new"


# --- writing ----------------------------------------------------------------------------------


def test_an_edit_that_raises_writes_nothing(waffle: Waffle[Settings]) -> None:
    """An exception inside an edit discards it."""

    def edited() -> None:
        with waffle.edit() as edit:
            edit.update(name="half")
            edit.update(low=1 // 0)

    with pytest.raises(ZeroDivisionError):
        edited()
    assert (waffle.snapshot().revision, waffle.history()) == (0, ())


def test_an_edit_is_one_change(waffle: Waffle[Settings]) -> None:
    """Updates and resets of one edit make one revision, with who and why."""
    waffle.update(name="old")
    with waffle.edit(actor="ada", note="sale") as edit:
        edit.update(low=20, high=30)
        edit.reset("name")
    change = edit.change
    assert change is not None
    assert (change.revision, change.actor, change.note) == (2, "ada", "sale")
    assert {f.field for f in change.fields} == {"low", "high", "name"}
    assert waffle.current_settings == Settings(low=20, high=30)


def test_a_change_that_changes_nothing_is_none(waffle: Waffle[Settings]) -> None:
    """Writing what is there makes no revision."""
    assert waffle.update(name="Waffle") is None
    assert waffle.reset("name") is None
    assert waffle.snapshot().revision == 0


def test_an_invalid_change_is_refused_whole(waffle: Waffle[Settings]) -> None:
    """A change of which one part is invalid leaves the settings and the store as they were."""
    with pytest.raises(InvalidChange, match="low 50 is above high 10"):
        waffle.update(name="new", low=50)
    assert (waffle.current_settings, waffle.history()) == (Settings(), ())


def test_a_stale_expectation_conflicts(
    waffle: Waffle[Settings], elsewhere: Waffle[Settings]
) -> None:
    """With an old `expected_revision` nothing is written, and the error tells what came between."""
    waffle.start()
    elsewhere.update(name="theirs")
    with pytest.raises(RevisionConflict) as caught, waffle.edit(expected_revision=0) as edit:
        edit.update(low=5)
    assert (caught.value.expected, caught.value.actual) == (0, 1)
    assert [f.field for change in caught.value.changes for f in change.fields] == ["name"]
    assert len(waffle.history()) == 1


def test_waffle_actor_names_the_writer(apps: Apps) -> None:
    """`WAFFLE_ACTOR` is asked who writes, unless the edit says it."""
    waffle = apps.bound(apps.app(WAFFLE_ACTOR=lambda: "request user"))
    asked = waffle.update(name="a")
    with waffle.edit(actor="ada") as said:
        said.update(name="b")
    assert asked is not None
    assert said.change is not None
    assert (asked.actor, said.change.actor) == ("request user", "ada")


def test_history_pages_backwards(waffle: Waffle[Settings]) -> None:
    """History is newest first, by field, and a page begins below a revision."""
    for low in range(1, 6):
        waffle.update(low=low)
    waffle.update(name="new")

    def revisions(changes: tuple[Change, ...]) -> list[int]:
        return [change.revision for change in changes]

    assert revisions(waffle.history(limit=2)) == [6, 5]
    assert revisions(waffle.history(limit=2, before=5)) == [4, 3]
    assert revisions(waffle.history(field="name")) == [6]
    with pytest.raises(UnknownSetting, match="'name'"):
        waffle.history(field="nam")  # type: ignore[waffle-unknown] # that is the case


def test_a_rollback_brings_a_revision_back(waffle: Waffle[Settings]) -> None:
    """It is a new change, with an actor and a note, and is seen at once where it was made."""
    waffle.update(low=1)
    waffle.update(low=2, name="new")
    change = waffle.rollback(1, actor="ada", note="too low")
    assert change is not None
    assert (change.revision, change.actor, change.note, change.channel) == (
        3,
        "ada",
        "too low",
        "rollback",
    )
    assert (waffle.current_settings.low, waffle.current_settings.name) == (1, "Waffle")
    assert waffle.rollback(3) is None
    with pytest.raises(InvalidChange, match="revision 9"):
        waffle.rollback(9)


def test_pruning_keeps_the_newest_changes(waffle: Waffle[Settings]) -> None:
    """The older changes leave the history; settings and revision stay."""
    for low in range(1, 6):
        waffle.update(low=low)
    assert waffle.prune(keep=2) == 3
    assert [change.revision for change in waffle.history()] == [5, 4]
    assert (waffle.snapshot().revision, waffle.current_settings.low) == (5, 5)
    with pytest.raises(ValueError, match="keep = -1 is negative"):
        waffle.prune(keep=-1)


@pytest.mark.parametrize("config", [{}, {"WAFFLE_DATABASE_URL": "sqlite://"}])
def test_the_history_keeps_as_many_changes_as_configured(
    apps: Apps, config: dict[str, Any]
) -> None:
    """With WAFFLE_HISTORY_KEEP, each change drops what is too old."""
    waffle = apps.bound(apps.app(WAFFLE_HISTORY_KEEP=2, **config))
    for low in range(1, 6):
        waffle.update(low=low)
        assert len(waffle.history()) == min(low, 2)
    assert [change.revision for change in waffle.history(field="low")] == [5, 4]


# --- callbacks --------------------------------------------------------------------------------


def test_callbacks_hear_of_their_fields_only(
    waffle: Waffle[Settings], elsewhere: Waffle[Settings]
) -> None:
    """A callback runs if one of its fields changed its value, in this worker or in another."""
    heard: list[tuple[str, str]] = []
    waffle.on_change("name")(lambda old, new: heard.append((old.name, new.name)))
    waffle.update(low=1)
    waffle.update(name="a")
    elsewhere.update(name="b")
    waffle.refresh()
    assert heard == [("Waffle", "a"), ("a", "b")]


def test_changes_that_cancel_out_call_nobody(
    waffle: Waffle[Settings], elsewhere: Waffle[Settings]
) -> None:
    """A swap after which every value is as before is no news for a callback."""
    heard: list[str] = []
    waffle.on_change()(lambda _, new: heard.append(new.name))
    waffle.start()
    elsewhere.update(name="a")
    elsewhere.reset("name")
    waffle.refresh()
    assert (waffle.snapshot().revision, heard) == (2, [])


def test_a_callback_for_an_unknown_field_is_refused(waffle: Waffle[Settings]) -> None:
    """A misspelt field is found when the callback is registered."""
    with pytest.raises(UnknownSetting, match="did you mean 'name'"):
        waffle.on_change("nmae")  # type: ignore[waffle-unknown] # that is the case


def test_a_failing_callback_hurts_nobody(
    waffle: Waffle[Settings], caplog: pytest.LogCaptureFixture
) -> None:
    """A callback that raises is logged; the change stands and the others are called."""
    heard: list[str] = []
    waffle.on_change()(lambda *_: 1 // 0)
    waffle.on_change()(lambda _, new: heard.append(new.name))
    with caplog.at_level(logging.ERROR):
        waffle.update(name="a")
    assert heard == ["a"]
    assert "ZeroDivisionError" in caplog.text


def test_an_interrupted_callback_hurts_nobody(waffle: Waffle[Settings], app: Flask) -> None:
    """The change stands, and the others hear of it before the interruption goes on."""
    heard: list[str] = []

    def interrupted(*_: object) -> None:
        raise CancelledError

    def receiver(_: Flask, new: Snapshot[Settings], **__: object) -> None:
        heard.append(f"signal {new.settings.name}")

    waffle.on_change()(interrupted)
    waffle.on_change()(lambda _, new: heard.append(new.name))
    with settings_changed.connected_to(receiver, app), pytest.raises(CancelledError):
        waffle.update(name="a")
    assert heard == ["a", "signal a"]
    assert waffle.current_settings.name == "a"


def test_the_signal_comes_from_the_app(waffle: Waffle[Settings], app: Flask) -> None:
    """`settings_changed` is sent by the app, with the Waffle and both snapshots."""
    heard: list[dict[str, Any]] = []

    def receiver(_: Flask, **facts: object) -> None:
        heard.append(facts)

    with settings_changed.connected_to(receiver, app):
        waffle.update(name="a")
    (facts,) = heard
    assert facts["waffle"] is waffle
    assert (facts["old"].revision, facts["new"].revision) == (0, 1)


def test_without_flask_the_signal_comes_from_the_waffle(elsewhere: Waffle[Settings]) -> None:
    """With `connect` the sender is the Waffle itself."""
    heard: list[Snapshot[Settings]] = []

    def receiver(_: Waffle[Settings], new: Snapshot[Settings], **__: object) -> None:
        heard.append(new)

    with settings_changed.connected_to(receiver, elsewhere):
        elsewhere.update(name="a")
    assert [snapshot.settings.name for snapshot in heard] == ["a"]


def test_a_revision_that_does_not_fit_is_signalled(apps: Apps, waffle: Waffle[Settings]) -> None:
    """A worker with an older model keeps what it shows and sends `settings_rejected`."""

    class Newer(Settings):
        name: str = "Waffle"

    heard: list[dict[str, str]] = []

    def receiver(_: Flask, reasons: dict[str, str], **__: object) -> None:
        heard.append(reasons)

    waffle.start()
    with Waffle(Newer).connect({"WAFFLE_DATABASE_URL": apps.url}) as newer:
        newer.update(name="n" * 21)
    with settings_rejected.connected_to(receiver):
        waffle.refresh()
    assert [list(reasons) for reasons in heard] == [["name"]]
    assert (waffle.current_settings.name, waffle.status().state) == ("Waffle", "rejected")


# --- health -------------------------------------------------------------------------------------


def test_a_worker_that_is_current_is_healthy(apps: Apps) -> None:
    """The view answers 200, and tells what may be told to anybody."""
    app = apps.app()
    waffle = apps.bound(app)
    app.add_url_rule("/healthz", view_func=waffle.health)
    waffle.update(name="a")
    answer = app.test_client().get("/healthz")
    told = answer.get_json()
    datetime.fromisoformat(told.pop("since"))
    assert (answer.status_code, told) == (
        200,
        {"state": "live", "revision": 1, "bus": True, "store": True},
    )


def test_a_worker_that_is_not_current_is_not_healthy(apps: Apps) -> None:
    """The view answers 503, and tells no host and no path."""
    app = apps.app(WAFFLE_DATABASE_URL="sqlite:////nowhere/waffle.db")
    waffle = apps.bound(app)
    app.add_url_rule("/healthz", view_func=waffle.health)
    answer = app.test_client().get("/healthz")
    assert (answer.status_code, answer.get_json()["state"]) == (503, "stale")
    assert "nowhere" not in answer.text
