"""Measure what a read costs, an app context, the admin page, and being idle: `python -m tests.benchmarks`."""

import platform
import sys
from importlib.metadata import version

from tests.benchmarks import checker, contexts, idle, page, reads, variants
from tests.benchmarks.shop import apps


def main() -> None:
    """Print the tables."""
    print(
        f"CPython {platform.python_version()}, Flask {version('flask')}, "
        f"Pydantic {version('pydantic')}, Werkzeug {version('werkzeug')}"
    )
    with apps() as made:
        reads.show(made)
        contexts.show(made)
    variants.show()
    sys.stdout.flush()
    checker.main()
    page.main()
    idle.main()


if __name__ == "__main__":
    main()
