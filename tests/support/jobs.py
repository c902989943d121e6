"""The shop's background jobs: Celery tasks in an app context, as Flask's manual has them."""

from typing import Any

from celery import Celery, Task
from flask import Flask

from tests.support.shop import create_app, seen


def celery_of(app: Flask) -> Celery[Any]:  # Any: of any class of tasks
    """The application's Celery; each task has an app context of its own."""

    class FlaskTask(Task[..., object]):
        def __call__(self, *args: object, **kwargs: object) -> object:
            with app.app_context():
                return self.run(*args, **kwargs)

    made = Celery(app.name, task_cls=FlaskTask)
    made.config_from_object(app.config["CELERY"])
    made.set_default()
    return made


celery = celery_of(create_app())


@celery.task(name="look")
def look() -> dict[str, Any]:
    return seen()
