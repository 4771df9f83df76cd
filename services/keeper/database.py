"""The database file: opened by one keeper alone, checked, never made anew over an old one."""

import contextlib
import fcntl
import os
import sqlite3
import threading
import time
from pathlib import Path

from services.disk import sync
from services.keeper import schema

REFUSED_EXIT = 78
"""EX_CONFIG: somebody has to look at the file before a keeper may start."""
LOCKED_EXIT = 75
"""EX_TEMPFAIL: another keeper has the folder."""
CHECK_SECONDS = 0.5
"""For how long a start looks for damage: a small world whole, of a large one as much as that allows."""
LOG_PAGES = 3_000
"""The write-ahead log is copied into the database when it has so many, and written over from its beginning.

A file that keeps its length is put on disk in half the time of one that grows. Were the log longer, less
would be copied in all, but somebody would wait for it longer.
"""


class DatabaseRefused(Exception):
    """Raised when the keeper must not touch what lies in the data folder; says why and the way out."""

    def __init__(self, sentence: str, exit_code: int = REFUSED_EXIT) -> None:
        super().__init__(sentence)
        self.exit_code = exit_code


class DatabaseHeld(DatabaseRefused):
    """Raised while another program has the file locked, which passes when it lets go."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"Another program holds {path}; the keeper starts once it lets go.", LOCKED_EXIT)


class FolderLock:
    """The keeper's own lock on a data folder; the kernel frees it when the process ends."""

    def __init__(self, data: Path) -> None:
        data.mkdir(parents=True, exist_ok=True)
        self._file = open(data / "keeper.lock", "a+")  # noqa: SIM115 - held for the whole life
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._file.seek(0)
            holder = self._file.read().strip() or "unknown"
            self._file.close()
            raise DatabaseRefused(
                f"Another keeper (pid {holder}) has {data}; stop it first, or use another --data folder.",
                LOCKED_EXIT,
            ) from None
        self._file.truncate(0)
        self._file.write(str(os.getpid()))
        self._file.flush()

    def release(self) -> None:
        """Let another keeper in."""
        self._file.close()


class DatabaseFile:
    """`tilewright.db` of one data folder, open on one connection that no other program can write beside."""

    def __init__(self, data: Path) -> None:
        self.path = data / "tilewright.db"
        self._wal = data / "tilewright.db-wal"
        if not self.path.exists():
            self._create(data)
        try:
            _check(self.path)
            self.connection = _opened(self.path)
        except sqlite3.OperationalError as error:
            if _is_busy(error):
                raise DatabaseHeld(self.path) from None
            raise
        self._inode = self.path.stat().st_ino

    def replaced(self) -> bool:
        """Whether somebody deleted the file or laid another in its place while it was open."""
        try:
            return self.path.stat().st_ino != self._inode
        except FileNotFoundError:
            return True

    def rescue(self) -> Path:
        """Copy everything this connection still sees into `rescued-TIME.db` beside the lost file."""
        to = self.path.with_name(time.strftime("rescued-%Y%m%d-%H%M%S.db", time.gmtime()))
        with contextlib.closing(sqlite3.connect(to)) as target:
            self.connection.backup(target)
        return to

    def empty_log(self) -> None:
        """Copy what is left of the write-ahead log into the database, and give its room back."""
        try:
            size = self._wal.stat().st_size
        except FileNotFoundError:
            return
        if size:
            # A full disk fails this too; the log is then simply kept until there is room.
            with contextlib.suppress(sqlite3.OperationalError):
                self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def close(self) -> None:
        """Let go of the file."""
        self.connection.close()

    def _create(self, data: Path) -> None:
        left = [name for name in ("blobs", "tilewright.db-wal") if (data / name).exists()]
        if left:
            raise DatabaseRefused(
                f"{self.path} is missing but {' and '.join(left)} of an older world remain; put the database "
                "back from a backup, or start with an empty --data folder."
            )
        # Built beside and moved in place, so that a crash half way leaves no file that looks like a world.
        draft = self.path.with_name("tilewright.db.new")
        draft.unlink(missing_ok=True)
        with contextlib.closing(sqlite3.connect(draft, isolation_level=None)) as connection:
            # Nobody goes on with a draft: it is put on disk once, when it is whole.
            connection.execute("PRAGMA synchronous = OFF")
            connection.execute("PRAGMA journal_mode = MEMORY").fetchall()
            connection.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
            _migrate(connection)
        sync(draft)
        os.replace(draft, self.path)
        sync(data)


def _opened(path: Path) -> sqlite3.Connection:
    """The connection, with every table as this version wants it."""
    # The keeper's loop and its checkpoints share this connection in one thread; nobody else has it.
    connection = sqlite3.connect(path, isolation_level=None, timeout=2.0)
    try:
        _prepare(connection)
        if connection.execute("PRAGMA user_version").fetchone()[0] < schema.VERSION:
            _migrate(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _migrate(connection: sqlite3.Connection) -> None:
    # Imported here: it takes a third of a start, and nearly every start finds all tables as they should be.
    from sqlite_utils import Database

    from services.keeper.migrations import migrations

    migrations.apply(Database(connection))
    connection.execute(f"PRAGMA user_version = {schema.VERSION}")


def _is_busy(error: sqlite3.Error) -> bool:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY


def _prepare(connection: sqlite3.Connection) -> None:
    connection.row_factory = sqlite3.Row
    for pragma in (
        "locking_mode = EXCLUSIVE",
        "journal_mode = WAL",
        "synchronous = FULL",
        f"wal_autocheckpoint = {LOG_PAGES}",
        "cache_size = -65536",
        # Else what a statement with triggers would have to undo is written to a file, at each job.
        "temp_store = MEMORY",
        "foreign_keys = OFF",
    ):
        connection.execute(f"PRAGMA {pragma}").fetchall()


def _check(path: Path) -> None:
    """Refuse a file that is not a whole world of a known version; the file stays as it is."""
    if path.stat().st_size == 0:
        raise DatabaseRefused(f"{path} is empty; put it back from a backup, or move it away to start anew.")
    with contextlib.closing(
        sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    ) as connection:
        try:
            owner = connection.execute("PRAGMA application_id").fetchone()[0]
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            found = _damage(connection)
        except sqlite3.DatabaseError as error:
            if _is_busy(error):
                raise
            raise DatabaseRefused(
                f"{path} cannot be read ({error}); put it back from a backup. Nothing was changed."
            ) from None
    if owner != schema.APPLICATION_ID:
        raise DatabaseRefused(f"{path} is not a Tilewright database; move it away. Nothing was changed.")
    if version > schema.VERSION:
        raise DatabaseRefused(
            f"{path} is of version {version}, newer than this program's {schema.VERSION}; "
            "start the newer program. Nothing was changed."
        )
    if found:
        raise damaged(path.parent, found)


def _damage(connection: sqlite3.Connection) -> str:
    """What is found to be wrong within the time there is; what is not found now is when it is read."""
    # A million jobs take a minute to look through, in which nobody would be served after each restart.
    over = threading.Timer(CHECK_SECONDS, connection.interrupt)
    over.start()
    try:
        found = [row[0] for row in connection.execute("PRAGMA quick_check(3)")]
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
            raise
        return ""
    finally:
        over.cancel()
        over.join()
    return "" if found == ["ok"] else str(found[0])


def damaged(data: Path, what: str) -> DatabaseRefused:
    """What to say of a damaged file."""
    return DatabaseRefused(
        f"{data / 'tilewright.db'} is damaged ({what}); put it back from a backup. Nothing was changed."
    )


def is_damage(error: sqlite3.Error) -> bool:
    """Whether the file has turned out to be damaged."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
