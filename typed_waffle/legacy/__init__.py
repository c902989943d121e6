"""Coming from Flask-WaffleConf: its table, read without unpickling anything, as one change.

`stored` reads the table, `plan` tells what would be changed, and `Plan.apply` changes it.
"""

from typed_waffle.legacy.plans import Entry, Ignored, Plan, Refused, plan
from typed_waffle.legacy.table import opened, stored

__all__ = ["Entry", "Ignored", "Plan", "Refused", "opened", "plan", "stored"]
