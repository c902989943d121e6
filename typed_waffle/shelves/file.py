"""A shelf that is a file, for the workers of one host."""

from __future__ import annotations

import os
import stat
import time
import uuid
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from typed_waffle.lastgood import ShelfError

__all__ = ["FileShelf"]

LIMIT = 16 * 1024 * 1024
"""The longest copy, in characters."""

ABANDONED_AFTER = 3600.0
"""The age of a file that a killed writer left half done, in seconds; then it is deleted."""

_NO_LINK = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


class FileShelf:
    """`<namespace>.copy` in a folder, which is made if it is not there. For the owner's eyes only.

    A copy is written beside the file and then moved over it. No link is followed.
    """

    distant = False
    limit = LIMIT

    def __init__(self, folder: Path, namespace: str) -> None:
        self._path = folder / f"{namespace}.copy"
        self.label: str = str(self._path)

    def read(self) -> str | None:
        """See `Shelf.read`."""
        with self._told():
            try:
                # A pipe that somebody put there must not keep us waiting.
                file = os.open(self._path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | _NO_LINK)
            except FileNotFoundError:
                return None
            with os.fdopen(file, "rb") as opened:
                if not stat.S_ISREG(os.fstat(file).st_mode):
                    raise ShelfError("it is no file. Remove it")
                content = opened.read(LIMIT + 1)
        return content.decode("ascii", "replace")

    def write(self, text: str) -> None:
        """See `Shelf.write`."""
        beside = self._path.with_name(f".{self._path.name}.{uuid.uuid4().hex}")
        with self._told():
            self._make_folder()
            file = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_LINK, 0o600)
            try:
                with os.fdopen(file, "wb") as opened:
                    beside.chmod(0o600)  # whatever the umask left of it
                    opened.write(text.encode("ascii"))
                    opened.flush()
                    os.fsync(file)  # so that no crash leaves an empty file under the final name
                beside.replace(self._path)
            except BaseException:
                with suppress(OSError):
                    beside.unlink()
                raise
            self._tidy()

    def _make_folder(self) -> None:
        folder = self._path.parent
        with suppress(FileExistsError):
            folder.parent.mkdir(parents=True, exist_ok=True)
            folder.mkdir(0o700)
            folder.chmod(0o700)  # whatever the umask left of it

    def _tidy(self) -> None:
        """Delete what killed writers left."""
        for path in self._path.parent.glob(f".{self._path.name}.*"):
            with suppress(OSError):  # another one is at it
                if time.time() - path.lstat().st_mtime > ABANDONED_AFTER:
                    path.unlink()

    @contextmanager
    def _told(self) -> Generator[None, None, None]:
        try:
            yield
        except (OSError, ValueError) as error:  # ValueError: a name that no file can have
            why = (isinstance(error, OSError) and error.strerror) or str(error)
            raise ShelfError(
                f"{why}. Let WAFFLE_CACHE_DIR be a folder that the worker may write to"
            ) from error
