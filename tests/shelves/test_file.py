"""The shelf that is a file: who can read it, what may lie there, and many who write it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tests.support.processes import ROOT
from typed_waffle.lastgood import ShelfError
from typed_waffle.shelves import file
from typed_waffle.shelves.file import FileShelf


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that is not there yet."""
    return tmp_path / "made" / "for it"


@pytest.fixture
def shelf(folder: Path) -> FileShelf:
    return FileShelf(folder, "default")


def mode(path: Path) -> int:
    return path.lstat().st_mode & 0o7777


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o377])
def test_a_copy_is_for_its_owner_alone(folder: Path, shelf: FileShelf, umask: int) -> None:
    """Folder and file have their modes whatever the umask, and nothing else is left there."""
    folder.parent.mkdir()
    before = os.umask(umask)
    try:
        shelf.write("one")
        shelf.write("two")
    finally:
        os.umask(before)
    assert names(folder) == ["default.copy"]
    assert mode(folder / "default.copy") == 0o600
    assert mode(folder) == 0o700
    assert shelf.read() == "two"


def test_a_folder_that_is_there_stays_as_it_is(folder: Path, shelf: FileShelf) -> None:
    """Its mode is its owner's business; the file's is ours."""
    folder.mkdir(0o755, parents=True)
    folder.chmod(0o755)
    shelf.write("one")
    assert (mode(folder), mode(folder / "default.copy")) == (0o755, 0o600)


def test_where_nothing_is_there_is_no_copy(folder: Path, shelf: FileShelf) -> None:
    """No folder or no file is no error; and reading makes neither."""
    assert shelf.read() is None
    assert not folder.exists()
    shelf.write("one")
    assert FileShelf(folder, "other").read() is None


def test_a_link_is_not_followed(folder: Path, shelf: FileShelf, tmp_path: Path) -> None:
    """Neither to read, nor to write over what it leads to."""
    shelf.write("one")
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (folder / "default.copy").unlink()
    (folder / "default.copy").symlink_to(victim)
    with pytest.raises(ShelfError, match="WAFFLE_CACHE_DIR"):
        shelf.read()
    shelf.write("two")
    assert victim.read_text() == "precious"
    assert not (folder / "default.copy").is_symlink()
    assert shelf.read() == "two"


def test_what_is_no_file_is_not_read(folder: Path, shelf: FileShelf) -> None:
    """Least of all a pipe, which would keep a start waiting."""
    folder.mkdir(parents=True)
    os.mkfifo(folder / "default.copy")
    began = time.monotonic()
    with pytest.raises(ShelfError, match="it is no file"):
        shelf.read()
    assert time.monotonic() - began < 1
    (folder / "default.copy").unlink()
    (folder / "default.copy").mkdir()
    with pytest.raises(ShelfError):
        shelf.read()
    with pytest.raises(ShelfError, match="Is a directory"):
        shelf.write("one")
    assert names(folder) == ["default.copy"]


def test_what_is_too_long_is_cut(folder: Path, shelf: FileShelf) -> None:
    """No more of a file is read than a copy may have; it is then none."""
    folder.mkdir(parents=True)
    with (folder / "default.copy").open("wb") as huge:
        huge.truncate(1 << 40)
    found = shelf.read()
    assert found is not None
    assert len(found) == file.LIMIT + 1


def test_what_is_no_text_is_read_all_the_same(folder: Path, shelf: FileShelf) -> None:
    """Its signature will not fit."""
    folder.mkdir(parents=True)
    (folder / "default.copy").write_bytes(b"\xff\x00.\x80")
    assert shelf.read() == "\ufffd\0.\ufffd"


def test_a_folder_that_cannot_be_had_is_told(tmp_path: Path) -> None:
    """The cause and the next step."""
    (tmp_path / "taken").write_text("a file")
    shelf = FileShelf(tmp_path / "taken" / "folder", "default")
    with pytest.raises(ShelfError, match=r"Not a directory.*WAFFLE_CACHE_DIR"):
        shelf.write("one")
    with pytest.raises(ShelfError, match="Not a directory"):
        shelf.read()


def test_a_name_that_no_file_can_have_is_told(tmp_path: Path) -> None:
    """Like any other folder that cannot be used."""
    shelf = FileShelf(tmp_path / "a\0b", "default")
    for use in (shelf.read, lambda: shelf.write("one")):
        with pytest.raises(ShelfError, match=r"null (byte|character).*WAFFLE_CACHE_DIR"):
            use()


FULL = """
import pathlib, resource, signal, sys
from typed_waffle.lastgood import ShelfError
from typed_waffle.shelves.file import FileShelf
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    FileShelf(pathlib.Path(sys.argv[1]), "default").write("x" * 5000)
except ShelfError as error:
    print(error)
"""


def test_a_disk_that_takes_no_more_leaves_the_copy_before(folder: Path, shelf: FileShelf) -> None:
    """A writer that could write only a part leaves nothing of it."""
    shelf.write("one")
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(folder)],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    )
    assert "File too large" in done.stdout
    assert names(folder) == ["default.copy"]
    assert shelf.read() == "one"


def test_what_a_killed_writer_left_is_deleted_in_time(folder: Path, shelf: FileShelf) -> None:
    """An hour later, so that nobody who is at it is disturbed; other files are left alone."""
    shelf.write("one")
    for name, age in ((".default.copy.dead", 7200), (".default.copy.busy", 60), ("mine", 7200)):
        (folder / name).write_text("part")
        then = time.time() - age
        os.utime(folder / name, (then, then))
    shelf.write("two")
    assert names(folder) == [".default.copy.busy", "default.copy", "mine"]


def test_nobody_reads_a_part(shelf: FileShelf) -> None:
    """However many write and read at once."""
    texts = {letter * 50_000 for letter in "abcd"}
    shelf.write("a" * 50_000)
    over = threading.Event()

    def scribble(text: str) -> None:
        while not over.is_set():
            shelf.write(text)

    threads = [threading.Thread(target=scribble, args=(text,)) for text in texts]
    for thread in threads:
        thread.start()
    try:
        seen = {shelf.read() for _ in range(300)}
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert seen <= texts
