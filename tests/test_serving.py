"""Where a worker runs, as far as that can be told."""

from __future__ import annotations

import pytest

from typed_waffle.serving import LONGEST, server_of, version


@pytest.mark.parametrize(
    ("modules", "arguments", "server"),
    [
        ({"uwsgi", "flask"}, ["uwsgi"], "uwsgi"),
        ({"mod_wsgi"}, ["mod_wsgi"], "mod_wsgi"),
        ({"gunicorn", "gunicorn.arbiter"}, ["/usr/bin/gunicorn", "shop:app"], "gunicorn"),
        ({"gunicorn"}, ["/srv/shop.py"], "shop.py"),
        ({"celery", "celery.apps.worker"}, ["/usr/bin/celery", "worker"], "celery"),
        ({"celery"}, ["/usr/bin/celery", "beat"], "celery"),
        ({"flask.cli"}, ["/srv/.venv/bin/flask", "run"], "flask"),
        ({"flask.cli"}, ["/srv/site-packages/flask/__main__.py", "run"], "flask"),
        ((), ["shop.py", "--password=secret"], "shop.py"),
        ((), ["-c"], "python"),
        ((), ["-"], "python"),
        ((), [""], "python"),
        ((), [], "python"),
        ((), ["x" * 1000], "x" * LONGEST),
    ],
)
def test_the_server_is_named(modules: set[str], arguments: list[str], server: str) -> None:
    """By what only its processes have loaded, else by the program."""
    assert server_of(modules, arguments) == server


def test_the_version_is_that_of_the_package() -> None:
    """As it is installed."""
    assert version()[0].isdigit()
