"""The same job without Flask: each process of Celery's connects when it begins."""

import json
import os
from contextlib import ExitStack
from typing import Any

from celery import Celery
from celery.signals import worker_process_init, worker_process_shutdown

from tests.support.shop import seen, waffle

celery = Celery("plain")
celery.config_from_object(json.loads(os.environ["FLASK_CELERY"]))
held = ExitStack()


@worker_process_init.connect
def begin(**_: object) -> None:
    held.enter_context(waffle.connect())


@worker_process_shutdown.connect
def end(**_: object) -> None:
    held.close()


@celery.task(name="look")
def look() -> dict[str, Any]:
    return seen()
