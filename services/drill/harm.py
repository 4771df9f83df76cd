"""What befalls the database: each broken file is refused and left alone, the true one serves on."""

import asyncio
import os
import shutil
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from services.drill.stage import Stage

REFUSED = 78
FILES = ("tilewright.db", "tilewright.db-wal", "tilewright.db-shm")
LOCKED_SECONDS = 3.0


class Harm:
    """Breaks copies; the true database is put aside meanwhile, or held, or taken away while it is open."""

    def __init__(self, stage: Stage) -> None:
        self.wrong: list[str] = []
        self._stage = stage

    async def befall(self, what: str) -> None:
        """Let one harm happen, or several while the supervisor is down, and have everything run again."""
        if what in ("taken", "replaced"):
            await self._taken(what)
        else:
            await self._stage.kill_supervisor()
            *broken, last = what.split()
            for one in broken:
                await self._refused(one)
            await (self._locked() if last == "locked" else self._refused(last))
            if last != "locked":
                self._stage.start()
        await self._stage.ready("keeper")

    async def _refused(self, what: str) -> None:
        """Put a broken copy in the database's place: a keeper must say so and end."""
        stage = self._stage
        aside = stage.folder / "aside"
        aside.mkdir()
        for name in FILES:
            if (stage.data / name).exists():
                (stage.data / name).rename(aside / name)
        _break(aside, stage.database, what)
        before = _bytes(stage.database)
        told = stage.output.stat().st_size
        stage.start()
        code = await stage.ended()
        said = stage.output.read_bytes()[told:].decode("utf-8", "replace")
        if code != REFUSED:
            self.wrong.append(f"{what} database: exit code {code} instead of {REFUSED}")
        if str(stage.database) not in said or "Traceback" in said:
            self.wrong.append(f"{what} database: no plain sentence but {said[-300:]!r}")
        if _bytes(stage.database) != before:
            self.wrong.append(f"{what} database: the file was changed")
        for name in FILES:
            (stage.data / name).unlink(missing_ok=True)
        for path in aside.iterdir():
            path.rename(stage.data / path.name)
        aside.rmdir()

    async def _locked(self) -> None:
        """Another program holds the database when the keeper wants to start."""
        with closing(sqlite3.connect(self._stage.database, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            self._stage.start()
            await asyncio.sleep(LOCKED_SECONDS)
            other.execute("ROLLBACK")

    async def _taken(self, what: str) -> None:
        """The file goes while it is open: the keeper rescues what it has and waits for a person."""
        stage = self._stage
        await stage.ready("keeper")
        if what == "replaced":
            other = stage.folder / "other.db"
            with closing(sqlite3.connect(other)) as connection:
                connection.execute("CREATE TABLE cats (name)")
            os.replace(other, stage.database)
        else:
            stage.database.unlink()
        began = time.monotonic()
        rescued: Path | None = None
        while rescued is None and time.monotonic() - began < 15:
            await asyncio.sleep(0.1)
            view = (await stage.processes()).get("keeper")
            if view is not None and view.state == "failed":
                rescued = next(iter(stage.data.glob("rescued-*.db")), None)
        await stage.kill_supervisor()
        if rescued is None:
            self.wrong.append(f"{what} database: the keeper did not notice, or rescued nothing")
            return
        for name in FILES:
            (stage.data / name).unlink(missing_ok=True)
        rescued.rename(stage.database)
        stage.start()


def _break(aside: Path, to: Path, what: str) -> None:
    """Put a broken copy in place of the database, or nothing at all."""
    if what == "deleted":
        return
    if what == "empty":
        to.touch()
        return
    if what == "foreign":
        with closing(sqlite3.connect(to)) as connection:
            connection.execute("CREATE TABLE cats (name)")
        return
    # With what was still in its write-ahead log.
    for name in FILES[:2]:
        if (aside / name).exists():
            shutil.copy(aside / name, to.with_name(name))
    with closing(sqlite3.connect(to)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        if what == "newer":
            connection.execute("PRAGMA user_version = 99")
            connection.commit()
    with closing(sqlite3.connect(to)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE").fetchall()
    if what == "truncated":
        os.truncate(to, to.stat().st_size // 2)
    elif what == "scribbled":
        with to.open("r+b") as file:
            for page in range(2, to.stat().st_size // 4_096, 3):
                file.seek(page * 4_096)
                file.write(b"\xa5" * 200)


def _bytes(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None
