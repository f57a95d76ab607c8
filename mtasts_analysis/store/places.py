"""Where a store lies: a folder, or a bucket. Each can create a file whole, once: that is the commit."""

import os
import stat
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, Protocol

from mtasts_analysis import arguments
from mtasts_analysis.archive.files import sync
from mtasts_analysis.errors import (
    InputError,
    MissingExtraError,
    MtastsAnalysisError,
    OutputError,
    StoreError,
)
from mtasts_analysis.wording import plainly

_AGAIN = "What was committed is as it was: run it again when that is mended"


class Place(Protocol):
    """Named files of bytes; a name may hold one folder, as in `month=2026-05/reports-1.parquet`."""

    url: str

    def folders(self) -> list[str]:
        """Give the folders."""

    def names(self, folder: str) -> list[str]:
        """Give the names in a folder, without it."""

    def read(self, name: str) -> bytes:
        """Give a file's bytes; FileNotFoundError where there is none."""

    @contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        """Open a file for reading at any place."""

    @contextmanager
    def writing(self, name: str) -> Iterator[IO[bytes]]:
        """Open a new file; it lasts from the next `create` on."""

    def create(self, name: str, content: bytes) -> bool:
        """Make a file, whole; False where there is one of the name, which stays as it is."""

    def delete(self, name: str) -> None:
        """Take a file away, if it is there."""

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Refuse a second writer, where the place can: else the commit does."""


class Folder:
    """A folder of a file system that has hard links and locks."""

    def __init__(self, path: str) -> None:
        self.url = path
        self._path = Path(path)
        self._unsynced: set[Path] = set()

    def folders(self) -> list[str]:
        """Give the folders."""
        with _told(self._path):
            try:
                return sorted(entry.name for entry in self._path.iterdir() if entry.is_dir())
            except (FileNotFoundError, NotADirectoryError):
                return []

    def names(self, folder: str) -> list[str]:
        """Give the names in a folder, without it."""
        with _told(self._path):
            try:
                return sorted(entry.name for entry in (self._path / folder).iterdir())
            except (FileNotFoundError, NotADirectoryError):
                return []

    def read(self, name: str) -> bytes:
        """Give a file's bytes."""
        with _told(self._path / name):
            return (self._path / name).read_bytes()

    @contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        """Open a file for reading."""
        with _told(self._path / name), (self._path / name).open("rb") as file:
            yield file

    @contextmanager
    def writing(self, name: str) -> Iterator[IO[bytes]]:
        """Open a new file; the disk knows its name from the next `create` on."""
        path = self._path / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("xb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            self._unsynced |= {path.parent, self._path}
        except OSError as error:
            raise OutputError(
                f"{path}: expected a folder to write to; {plainly(error)}. {_AGAIN}"
            ) from error

    def create(self, name: str, content: bytes) -> bool:
        """Make a file whole: it is written aside, and then linked, which fails where one is there."""
        path = self._path / name
        aside = path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")
        with self.writing(str(aside.relative_to(self._path))) as file:
            file.write(content)
        with _told(path):
            unsynced, self._unsynced = self._unsynced, set()
            for folder in unsynced:
                sync(folder)
            try:
                os.link(aside, path)
            except FileExistsError:
                return False
            except OSError:  # no hard links here: the lock must do
                if path.exists():
                    return False
                aside.replace(path)
            finally:
                aside.unlink(missing_ok=True)
            sync(path.parent)
        return True

    def delete(self, name: str) -> None:
        """Take a file away."""
        with suppress(FileNotFoundError), _told(self._path / name):
            (self._path / name).unlink()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the lock of the folder, which ends with the process, however that ends."""
        try:
            import fcntl  # noqa: PLC0415  # not on Windows
        except ImportError:
            yield
            return
        try:
            self._path.mkdir(parents=True, exist_ok=True)
            file = (self._path / "_lock").open("a")
        except OSError as error:
            raise OutputError(
                f"{self._path}: expected a folder to write to; {plainly(error)}. {_AGAIN}"
            ) from error
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise StoreError(
                    f"{self._path}: expected to be its only writer; another process writes to it now."
                    " Run it again when that is done"
                ) from None
            yield


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Tell in words what the system refused; that a file is not there is for the caller to judge."""
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        raise StoreError(
            f"{path}: expected to read and write the store's files; {plainly(error)}. {_AGAIN}"
        ) from error


class Bucket:
    """A prefix of an object storage, through fsspec; `s3://` needs the extra `s3`.

    A file is made by a conditional put (`If-None-Match: *`), so that of two writers one is refused.
    """

    def __init__(self, url: str, options: dict[str, Any]) -> None:
        try:
            from fsspec.core import url_to_fs  # noqa: PLC0415  # an extra

            self._fs, self._path = url_to_fs(url, **options)
        except ImportError:
            raise MissingExtraError(f"a store at {url}", "s3") from None
        except (OSError, TypeError, ValueError) as error:
            raise InputError(
                f"{url}: expected a URL that fsspec knows, and what its file system takes; {error}"
            ) from error
        self.url = url

    @contextmanager
    def _asked(self) -> Iterator[None]:
        """Tell in words what the storage refused; that a file is there, or is not, is for the caller to judge."""
        try:
            yield
        except (FileNotFoundError, FileExistsError, MtastsAnalysisError):
            raise
        except Exception as error:  # each storage's library has a tree of errors of its own
            raise StoreError(
                f"{self.url}: expected to read and write the store's files; {type(error).__name__}: {error}."
                f" {_AGAIN}"
            ) from error

    def _full(self, name: str) -> str:
        return f"{self._path.rstrip('/')}/{name}"

    def folders(self) -> list[str]:
        """Give the folders."""
        return sorted(self._list("", "directory"))

    def names(self, folder: str) -> list[str]:
        """Give the names in a folder, without it."""
        return sorted(self._list(folder, "file"))

    def _list(self, folder: str, kind: str) -> list[str]:
        try:
            with self._asked():
                found = self._fs.ls(self._full(folder).rstrip("/"), detail=True, refresh=True)
        except FileNotFoundError:
            return []
        return [one["name"].rpartition("/")[2] for one in found if one["type"] == kind]

    def read(self, name: str) -> bytes:
        """Give a file's bytes."""
        with self._asked():
            content: bytes = self._fs.cat_file(self._full(name))
        return content

    @contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        """Open a file for reading."""
        with self._asked(), self._fs.open(self._full(name), "rb") as file:
            yield file

    @contextmanager
    def writing(self, name: str) -> Iterator[IO[bytes]]:
        """Open a new file; it is there when the block ends."""
        try:
            with self._asked(), self._fs.open(self._full(name), "wb") as file:
                yield file
        except FileNotFoundError as error:
            raise OutputError(f"{self.url}: expected a bucket to write to; {error}") from error

    def create(self, name: str, content: bytes) -> bool:
        """Make a file whole, unless one is there."""
        try:
            with self._asked():
                self._fs.pipe_file(self._full(name), content, mode="create")
        except FileExistsError:
            return False
        return True

    def delete(self, name: str) -> None:
        """Take a file away."""
        with suppress(FileNotFoundError), self._asked():
            self._fs.rm_file(self._full(name))

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Lock nothing: the commit refuses the second writer."""
        yield


def place(url: str | os.PathLike[str], options: dict[str, Any] | None = None) -> Place:
    """Give the place of a URL or path.

    Raises
    ------
    InputError
        It is a file, or no path.
    MissingExtraError
        A bucket without the extra.
    """
    name = arguments.path_text("url", url, "a folder or a URL for a store")
    scheme, separator, rest = name.partition("://")
    if not separator or scheme.lower() == "file":
        rest = rest[len("localhost") :] if rest.startswith("localhost/") else rest
        path = rest if separator else os.path.expanduser(name)
        if not path:
            raise InputError(f"url: expected a folder or a URL for a store; got {name!r}")
        try:
            is_file = stat.S_ISREG(os.stat(path).st_mode)
        except OSError:
            is_file = False
        if is_file:
            raise InputError(
                f"{path}: expected a folder for a store; this is a file. load() reads it, and"
                f" Store('store/').ingest({path!r}) takes it in"
            )
        return Folder(os.path.abspath(path))  # it stays where it is, wherever the program goes
    return Bucket(name, options or {})
