"""What the plugin costs mypy: `python -m tests.benchmarks.checker`.

A model of 200 fields and 500 calls that name them are checked with and without the plugin, in turn.
What they import comes from a cache that was filled before; only they are checked.
"""

import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
FIELDS, CALLS, ROUNDS = 200, 500, 7
AT_MOST = 1.10

SETTINGS = {"with": "typed_waffle.mypy", "without": ""}

KINDS = {"int": "3", "str": "'x'", "tuple[str, ...]": "('a', 'b')", "float | None": "0.5"}

USES = (
    "waffle.update({name}={value}, {other}={other_value})",
    "waffle.reset('{name}', '{other}')",
    "waffle.update({name}={value})",
    "waffle.history(field='{name}')",
)


def written(folder: Path) -> None:
    """Write the model and its calls, a hundred to a function."""
    kinds = list(KINDS.items())
    fields = [(f"field_{n}", *kinds[n % len(kinds)]) for n in range(FIELDS)]
    model = "\n".join(f"    {name}: {kind} = {value}" for name, kind, value in fields)
    calls: list[str] = []
    for n in range(CALLS):
        (name, _, value), (other, _, other_value) = fields[n % FIELDS], fields[(n + 7) % FIELDS]
        if n % 100 == 0:
            calls.append(f"def calls_{n}() -> None:")
        use = USES[n % len(USES)]
        calls.append(
            "    " + use.format(name=name, value=value, other=other, other_value=other_value)
        )
    (folder / "settings.py").write_text(
        "from typed_waffle import Waffle, WaffleModel\n\n"
        f"class Settings(WaffleModel):\n{model}\n\nwaffle = Waffle(Settings)\n"
    )
    (folder / "calls.py").write_text("from settings import waffle\n\n" + "\n".join(calls) + "\n")


def mypy(folder: Path, kind: str, *what: str) -> None:
    """Run mypy."""
    where = ("--config-file", f"{kind}.ini", "--cache-dir", f"cache-{kind}")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *where, *what],
        cwd=folder,
        env=os.environ | {"MYPYPATH": f"{folder}{os.pathsep}{ROOT}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def seconds(folder: Path, kind: str) -> float:
    """The processor's seconds for the two modules, with what they import from the cache."""
    shutil.rmtree(folder / f"cache-{kind}")
    shutil.copytree(folder / f"kept-{kind}", folder / f"cache-{kind}")
    begun = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    mypy(folder, kind, "settings.py", "calls.py")
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - begun


def main() -> None:
    """Print how much longer mypy takes with the plugin."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        written(folder)
        for kind, plugins in SETTINGS.items():
            settings = f"[mypy]\nstrict = True\nplugins = {plugins}\n"
            (folder / f"{kind}.ini").write_text(settings, encoding="utf-8")
            mypy(folder, kind, "-c", "import typed_waffle")
            shutil.copytree(folder / f"cache-{kind}", folder / f"kept-{kind}")
        rounds = [{kind: seconds(folder, kind) for kind in SETTINGS} for _ in range(ROUNDS)]
    print(
        f"\nmypy over {FIELDS} fields and {CALLS} calls, medians of {ROUNDS} rounds; "
        f"with the plugin at most {AT_MOST:.2f}"
    )
    for kind in SETTINGS:
        took = statistics.median(one[kind] for one in rounds)
        ratio = statistics.median(one[kind] / one["without"] for one in rounds)
        print(f"  {kind:<10} {took:6.2f} s   {ratio:5.2f}")


if __name__ == "__main__":
    main()
