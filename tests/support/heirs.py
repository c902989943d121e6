"""A parent that forks while an engine of the application's holds connections; all go on writing.

`python -m tests.support.heirs '{"url": "...", "children": 2, "changes": 20}'` prints the revisions
that each process made, as JSON lines.
"""

import json
import os
import sys
import traceback
from typing import Any

from sqlalchemy import create_engine, text

from tests.support.writers import FIELDS, Budget
from typed_waffle import Waffle


def work(waffle: Waffle[Budget], number: int, changes: int) -> None:
    """Change a field of one's own, and see nothing but that in it."""
    made = []
    for value in range(1, changes + 1):
        change = waffle.update(**{FIELDS[number]: value})
        assert change is not None
        assert [(f.field, f.before, f.after) for f in change.fields] == [
            (FIELDS[number], value - 1, value)
        ]
        waffle.refresh()
        assert getattr(waffle.current_settings, FIELDS[number]) == value
        made.append(change.revision)
    os.write(1, f"{json.dumps(made)}\n".encode())


def main(told: dict[str, Any]) -> int:
    """Fork, and work in every process; the exit code."""
    engine = create_engine(told["url"])
    with Waffle(Budget).connect({}, engine=engine) as waffle:
        waffle.refresh()
        with engine.connect() as connection:
            connection.execute(text("SELECT 1"))
        pids = []
        for number in range(told["children"]):
            pid = os.fork()
            if pid == 0:
                code = 1
                try:
                    work(waffle, number + 1, told["changes"])
                    code = 0
                except BaseException:  # noqa: BLE001 - whatever it is, the child must end here
                    traceback.print_exc()
                os._exit(code)
            pids.append(pid)
        work(waffle, 0, told["changes"])
        codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]
    return max(codes)


if __name__ == "__main__":
    sys.exit(main(json.loads(sys.argv[1])))
