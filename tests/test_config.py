"""The `WAFFLE_*` keys."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from tests.support.keys import fernet_key
from typed_waffle import ConfigurationError
from typed_waffle.config import Config, environment_keys

ONE, TWO = map(fernet_key, ("one", "two"))


def test_the_ancestors_keys_keep_their_defaults() -> None:
    """What Flask-WaffleConf called its keys, and what it took without them, stays."""
    config = Config.read({})
    assert (config.redis_host, config.redis_port) == ("localhost", 6379)
    assert config.redis_channel == "waffleconf"
    assert not config.uses_bus(client_given=False)


def test_other_keys_are_left_alone() -> None:
    """Only keys that begin with `WAFFLE_` are read."""
    assert Config.read({"DEBUG": True, "WAFFLES": 1}) == Config.read({})


def test_an_unknown_key_names_the_nearest() -> None:
    """A misspelt key says which one was probably meant."""
    with pytest.raises(ConfigurationError) as caught:
        Config.read({"WAFFLE_REDIS_PROT": 6379})
    assert (caught.value.key, caught.value.nearest) == ("WAFFLE_REDIS_PROT", "WAFFLE_REDIS_PORT")
    assert "Did you mean WAFFLE_REDIS_PORT?" in str(caught.value)


def test_a_key_like_no_other_is_still_refused() -> None:
    """A key that resembles none is unknown, without a guess."""
    with pytest.raises(ConfigurationError, match="WAFFLE_ZZZ: there is no such key") as caught:
        Config.read({"WAFFLE_ZZZ": 1})
    assert caught.value.nearest is None


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("WAFFLE_REDIS_PORT", "many"),
        ("WAFFLE_REDIS_PORT", 0),
        ("WAFFLE_POLL_INTERVAL", 0),
        ("WAFFLE_LISTENER", "magic"),
        ("WAFFLE_TABLE_PREFIX", "a-b"),
        ("WAFFLE_ENV_PREFIX", "1_"),
        ("WAFFLE_ON_INVALID", "explode"),
        ("WAFFLE_ON_UNAVAILABLE", "defaults"),
        ("WAFFLE_CACHE_DIR", 7),
        ("WAFFLE_MULTIPROC", "perhaps"),
    ],
)
def test_a_bad_value_is_named(key: str, value: object) -> None:
    """A refused value comes with its key and the reason."""
    with pytest.raises(ConfigurationError, match=key) as caught:
        Config.read({key: value})
    assert caught.value.key == key
    assert repr(value) in str(caught.value)


def test_a_refused_secret_is_not_shown() -> None:
    """The value of a key that may hold a password stays out of the error."""
    with pytest.raises(ConfigurationError, match="WAFFLE_REDIS_URL") as caught:
        Config.read({"WAFFLE_REDIS_URL": ["redis://:hunter2@host"]})
    assert "hunter2" not in str(caught.value)


def test_secrets_are_in_no_repr() -> None:
    """URLs and keys are masked where the configuration is printed."""
    keys = ("WAFFLE_REDIS_URL", "WAFFLE_DATABASE_URL", "WAFFLE_SIGNING_KEY")
    config = dict.fromkeys(keys, "hunter2") | {"WAFFLE_ENCRYPTION_KEYS": ONE}
    shown = repr(Config.read(config))
    assert not [secret for secret in ("hunter2", ONE) if secret in shown]


@pytest.mark.parametrize(
    "given",
    [
        f"{ONE},{TWO}",
        f" {ONE} , {TWO}\n",
        f"{ONE}\n{TWO}",
        f"{ONE} {TWO}".encode(),
        [ONE, TWO],
        (ONE.encode(), TWO.encode()),
        [SecretStr(ONE), SecretStr(TWO)],
    ],
)
def test_encryption_keys_come_as_a_sequence_or_in_one_text(given: object) -> None:
    """Environment variables hold one text: commas and white space separate keys."""
    keys = Config.read({"WAFFLE_ENCRYPTION_KEYS": given}).encryption_keys
    assert [key.get_secret_value() for key in keys or ()] == [ONE, TWO]


def test_without_encryption_keys_there_is_no_cipher() -> None:
    """Encryption is off if the key is left out, or is None."""
    assert Config.read({}).cipher() is None
    assert Config.read({"WAFFLE_ENCRYPTION_KEYS": None}).cipher() is None
    assert Config.read({"WAFFLE_ENCRYPTION_KEYS": ONE}).cipher() is not None


@pytest.mark.parametrize("empty", ["", " , ", [], ()])
def test_no_key_where_keys_are_meant_is_an_error(empty: object) -> None:
    """A variable that expanded to nothing does not turn encryption off in silence."""
    with pytest.raises(ConfigurationError, match="it holds no key"):
        Config.read({"WAFFLE_ENCRYPTION_KEYS": empty})


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ([ONE, ONE[1:]], "key 2 of 2 is not a Fernet key"),
        (f"{ONE[1:]},{TWO}", "key 1 of 2 is not a Fernet key"),
        ([ONE, 7], "its value is refused"),
        ({ONE, TWO}, "its value is refused: give a list of keys"),
        ({ONE: TWO}, "its value is refused: give a list of keys"),
    ],
)
def test_bad_encryption_keys_are_refused_and_not_shown(bad: object, why: str) -> None:
    """They are found when the configuration is read, and stay out of the error."""
    with pytest.raises(ConfigurationError, match=f"WAFFLE_ENCRYPTION_KEYS: {why}") as caught:
        Config.read({"WAFFLE_ENCRYPTION_KEYS": bad})
    assert not [key for key in (ONE, TWO, ONE[1:]) if key in repr(caught.value)]


@pytest.mark.parametrize(
    ("keys", "signing"),
    [
        ({}, None),
        ({"SECRET_KEY": "app"}, "app"),
        ({"SECRET_KEY": b"\xff"}, "ÿ"),
        ({"SECRET_KEY": "app", "WAFFLE_SIGNING_KEY": "own"}, "own"),
        ({"SECRET_KEY": "app", "WAFFLE_SIGNING_KEY": None}, "app"),
    ],
)
def test_the_apps_secret_signs_unless_another_does(
    keys: dict[str, Any], signing: str | None
) -> None:
    """Messages are signed with `WAFFLE_SIGNING_KEY`, else with the app's `SECRET_KEY`."""
    key = Config.read(keys).signing_key
    assert (key.get_secret_value() if key else None) == signing


@pytest.mark.parametrize("key", [None, ""])
def test_copies_without_a_key_to_sign_them_are_an_error(key: str | None) -> None:
    """Nobody would read them."""
    given = {"WAFFLE_CACHE_DIR": "/var/cache/shop", "WAFFLE_SIGNING_KEY": key}
    with pytest.raises(ConfigurationError, match="WAFFLE_SIGNING_KEY, or the app's SECRET_KEY"):
        Config.read(given)
    assert Config.read(given | {"SECRET_KEY": "app"}).cache_dir == Path("/var/cache/shop")


@pytest.mark.parametrize(
    ("keys", "client", "uses"),
    [
        ({}, False, False),
        ({}, True, True),
        ({"WAFFLE_REDIS_URL": "redis://host"}, False, True),
        ({"WAFFLE_REDIS_HOST": "host"}, False, False),
        ({"WAFFLE_MULTIPROC": True}, False, True),
        ({"WAFFLE_MULTIPROC": "true"}, False, True),
        ({"WAFFLE_MULTIPROC": False, "WAFFLE_REDIS_URL": "redis://host"}, True, False),
    ],
)
def test_multiproc_decides_whether_redis_is_used(
    keys: dict[str, Any], *, uses: bool, client: bool
) -> None:
    """`WAFFLE_MULTIPROC` decides; unset, a URL or a client turns Redis on."""
    assert Config.read(keys).uses_bus(client_given=client) is uses


def test_the_environment_gives_keys_but_not_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without Flask the variables of the same names count; those that pin fields are no keys."""
    monkeypatch.setenv("WAFFLE_REDIS_PORT", "7000")
    monkeypatch.setenv("WAFFLE_ENV_PREFIX", "WAFFLE_SETTING_")
    monkeypatch.setenv("WAFFLE_SETTING_NAME", "pinned")
    config = Config.read(environment_keys())
    assert (config.redis_port, config.env_prefix) == (7000, "WAFFLE_SETTING_")
    monkeypatch.setenv("WAFFLE_ENV_PREFIX", "waffle_setting_")
    assert Config.read(environment_keys()).env_prefix == "waffle_setting_"
