"""The `flask waffle` commands: thin edges that parse, call one public function, and show.

Flask finds the group by its entry point, so that nothing below has to know of it.
"""

from typed_waffle.cli import (
    editing,
    fleet,
    health,
    imports,
    reading,
    records,
    transfer,
    upkeep,
    writing,
)
from typed_waffle.cli.group import waffle
from typed_waffle.stubgen.command import stubgen

__all__ = ["waffle"]

_COMMANDS = (
    *(reading.list_, reading.get, reading.explain),
    *(writing.set_, writing.reset, editing.edit),
    *(transfer.export, transfer.import_, transfer.schema),
    *(records.history, records.diff, records.rollback, records.watch),
    *(fleet.workers, fleet.status),
    *(health.doctor, health.check, health.init_db),
    *(upkeep.prune, upkeep.rotate_keys, imports.import_legacy, stubgen),
)
for _command in _COMMANDS:
    waffle.add_command(_command)
