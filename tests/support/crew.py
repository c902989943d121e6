"""One worker of a fleet, in a process of its own.

`python -m tests.support.crew '{"config": {...}, "strict": false, "lasts": 35, "every": [10, 12]}'`
prints "ready"; for each line it is sent it prints the name that it shows, and at the end of its
input it ends, as an application does that closes nothing.
"""

import json
import sys

from flask import Flask
from pydantic import Field

from tests.support.shop import Limits
from typed_waffle import Waffle, roster

SHORT = 10


class Strict(Limits):
    """An older model, which takes short names only."""

    name: str = Field(default="Waffle", max_length=SHORT)


app = Flask(__name__)


def main() -> None:
    """Work as told."""
    told = json.loads(sys.argv[1])
    roster.LASTS, roster.EVERY = told["lasts"], tuple(told["every"])
    waffle: Waffle[Limits] = Waffle(Strict if told["strict"] else Limits)
    app.config.update(told["config"])
    waffle.init_app(app)
    waffle.start()
    print("ready", flush=True)  # noqa: T201 - for the parent
    for _ in sys.stdin:
        print(waffle.snapshot().settings.name, flush=True)  # noqa: T201 - as above


if __name__ == "__main__":
    main()
