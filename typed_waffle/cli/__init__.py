"""The `flask waffle` commands: thin edges that parse, call one public function, and show.

Flask finds the group by its entry point, so that nothing below has to know of it.
"""

from typed_waffle.cli import imports, upkeep
from typed_waffle.cli.group import waffle
from typed_waffle.stubgen.command import stubgen

__all__ = ["waffle"]

waffle.add_command(imports.import_legacy)
waffle.add_command(upkeep.prune)
waffle.add_command(upkeep.rotate_keys)
waffle.add_command(stubgen)
