"""The database file: one keeper's alone, and never replaced by a fresh one."""

import contextlib
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
import zmq

from protocol.control import GetStatus, Status
from protocol.errors import Code
from protocol.ingest import Accepted
from protocol.message import Error
from protocol.region import Render
from protocol.work import Lease, Ready
from services import failpoint
from services.keeper.database import LOCKED_EXIT, LOG_PAGES, REFUSED_EXIT, DatabaseFile, DatabaseRefused
from services.keeper.schema import VERSION
from tests.keeper.house import House, Peer, island, opened, until

TREE = Path(__file__).resolve().parents[2]


@pytest.fixture
def world(short: Path) -> House:
    """A closed world with something in it."""
    with opened(short) as house:
        house.publish(island(0, 0))
        house.peer("work").work_off()
    return House(short)


def truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def zero_header(path: Path) -> None:
    with open(path, "r+b") as file:
        file.write(b"\0" * 100)


def scribble(path: Path) -> None:
    with open(path, "r+b") as file:
        for page in range(2, path.stat().st_size // 4096, 3):
            file.seek(page * 4096)
            file.write(os.urandom(200))


def newer(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")


def another(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE cats (name)")


@pytest.mark.parametrize(
    ("harm", "says"),
    [
        (lambda path: os.truncate(path, 0), "is empty"),
        (truncate, "put it back from a backup"),
        (zero_header, "put it back from a backup"),
        (scribble, "put it back from a backup"),
        (lambda path: path.write_text("not a database, but long enough to be read as one" * 50), "backup"),
        (newer, "newer than this program"),
        (another, "not a Tilewright database"),
        (Path.unlink, "is missing but"),
    ],
)
def test_a_database_that_is_not_whole_is_refused_and_left_alone(
    world: House, harm: Callable[[Path], object], says: str
) -> None:
    path = world.data / "tilewright.db"
    harm(path)
    before = path.read_bytes() if path.exists() else None

    with pytest.raises(DatabaseRefused, match=says) as refused:
        world.open()
    assert refused.value.exit_code == REFUSED_EXIT
    assert (path.read_bytes() if path.exists() else None) == before
    world.end()


def test_damage_that_the_first_look_did_not_come_to_ends_the_keeper_with_a_sentence(world: House) -> None:
    scribble(world.data / "tilewright.db")
    blind = (
        "import runpy; from services.keeper import database; database._damage = lambda connection: ''; "
        "runpy.run_module('services.keeper', run_name='__main__', alter_sys=True)"
    )
    keeper = subprocess.run(
        [sys.executable, "-c", blind, "--data", world.data],
        cwd=TREE,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert keeper.returncode == REFUSED_EXIT
    assert "is damaged" in keeper.stderr
    assert "Traceback" not in keeper.stderr
    world.end()


def test_a_second_keeper_is_refused_with_a_sentence(house: House, control: Peer) -> None:
    second = subprocess.run(
        [sys.executable, "-m", "services.keeper", "--data", house.data],
        cwd=TREE,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert second.returncode == LOCKED_EXIT
    assert f"Another keeper (pid {os.getpid()}) has {house.data}" in second.stderr
    assert "Traceback" not in second.stderr
    control.ping()


def test_other_programs_cannot_write(house: House) -> None:
    house.publish(island(0, 0))
    with (
        closing(sqlite3.connect(house.data / "tilewright.db", timeout=0)) as connection,
        pytest.raises(sqlite3.OperationalError, match="locked"),
    ):
        connection.execute("DELETE FROM generation_queue")


def test_nothing_is_lost_when_the_keeper_is_started_again(house: House, worker: Peer) -> None:
    house.publish(island(0, 0))
    worker.ack(worker.lease("render"))
    before = house.jobs(), house.map(), house.events()
    house.close()
    house.open()
    assert (house.jobs(), house.map(), house.events()) == before


def test_the_file_says_whose_it_is(world: House) -> None:
    assert world.select("PRAGMA application_id") == [(0x54573031,)]
    assert world.select("PRAGMA user_version") == [(VERSION,)]
    assert world.select("PRAGMA journal_mode") == [("wal",)]
    world.end()


def test_a_creation_that_was_cut_short_is_started_over(short: Path) -> None:
    (short / "d").mkdir()
    (short / "d" / "tilewright.db.new").write_bytes(b"half a database")
    with opened(short) as house:
        house.peer("control").ping()


def test_a_file_taken_away_while_open_is_noticed_and_rescued(house: House) -> None:
    house.publish(island(0, 0))
    (house.data / "tilewright.db").unlink()

    # Somebody asks all the time, so that there is something to do also right after the copy was made.
    peer, accepted = house.peer("control"), 0
    peer.socket.setsockopt(zmq.RCVTIMEO, 100)
    for number in range(30):
        peer.send(Render(plan=f"r{number}", quadrants=[(100 + 2 * number, 0)]))
    while house.failure is None:
        with contextlib.suppress(zmq.Again):
            assert isinstance(peer.hear().body, Accepted)
            accepted += 1
            number = 29 + accepted
            peer.send(Render(plan=f"r{number}", quadrants=[(100 + 2 * number, 0)]))

    error = house.ended()
    assert isinstance(error, DatabaseRefused)
    house.failure = None
    (rescued,) = house.data.glob("rescued-*.db")
    with closing(sqlite3.connect(rescued)) as connection:
        ((jobs,),) = connection.execute("SELECT count(*) FROM generation_queue")
    assert jobs >= 10 + accepted > 40


def test_a_full_disk_refuses_and_goes_on_when_there_is_room(
    house: House, control: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite's own page limit stands for the disk: the same error, the same rollback."""
    limits: list[sqlite3.Connection] = []
    opening = DatabaseFile.__init__

    def keep(self: DatabaseFile, data: Path) -> None:
        opening(self, data)
        pages = self.connection.execute("PRAGMA page_count").fetchone()[0]
        self.connection.execute(f"PRAGMA max_page_count = {pages + 8}")
        limits.append(self.connection)

    monkeypatch.setattr(DatabaseFile, "__init__", keep)
    house.close()
    house.open()
    quadrants = [(x, 0) for x in range(0, 2_000, 2)]
    assert control.ask(Render(plan="wide", quadrants=quadrants), Error).code == Code.NO_SPACE
    batch = house.peer("control")
    batch.send(Render(plan="wide", quadrants=quadrants))
    batch.send(GetStatus())
    assert {type(batch.hear().body) for _ in range(2)} == {Error, Status}
    assert house.jobs() == []
    assert house.events() == []
    assert control.ask(Render(plan="small", quadrants=[(0, 0)]), Accepted).jobs == [1]


def test_a_keeper_waits_until_another_program_lets_go_of_the_database(world: House) -> None:
    """F11 at the start: neither a traceback nor a refusal that only a person can end."""
    log = world.data / "logs" / "keeper-1.log"
    other = sqlite3.connect(world.data / "tilewright.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    keeper = subprocess.Popen(
        [sys.executable, "-m", "services.keeper", "--data", world.data], cwd=TREE, stderr=subprocess.DEVNULL
    )
    try:
        until(lambda: log.exists() and "Another program holds" in log.read_text(), "its sentence")
        assert keeper.poll() is None
        other.close()
        world.peer("control").ping()
    finally:
        keeper.terminate()
        assert keeper.wait(30) == 0
    world.end()


def test_other_programs_cannot_even_read(house: House) -> None:
    """F12: so nobody can hold a checkpoint back, and the log does not grow without end."""
    house.publish(island(0, 0))
    with (
        closing(sqlite3.connect(house.data / "tilewright.db", timeout=0)) as connection,
        pytest.raises(sqlite3.OperationalError, match="locked"),
    ):
        connection.execute("SELECT count(*) FROM generation_queue")


def test_the_log_is_emptied_while_nobody_asks(house: House) -> None:
    house.publish(island(0, 0))
    log = house.data / "tilewright.db-wal"
    until(lambda: log.stat().st_size == 0, "an empty log")


def test_a_log_that_is_written_all_the_time_is_written_over(tmp_path: Path) -> None:
    file = DatabaseFile(tmp_path)
    log, page = tmp_path / "tilewright.db-wal", 4_096
    with closing(file):
        lengths = []
        for _ in range(12):
            file.connection.execute(
                "INSERT INTO events (at, plan_id, job_id, \"change\") VALUES (0, '', 0, zeroblob(?) || '')",
                (LOG_PAGES * page // 4,),
            )
            lengths.append(log.stat().st_size)
        assert lengths[0] < LOG_PAGES * page < max(lengths) < 2 * LOG_PAGES * page
        assert len(set(lengths[6:])) == 1
        file.empty_log()
        assert log.stat().st_size == 0


def test_every_commit_is_synced(short: Path) -> None:
    """F16: 2 is FULL; SIGKILL cannot show the difference."""
    data = short / "d"
    data.mkdir()
    file = DatabaseFile(data)
    assert [
        file.connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("synchronous", "journal_mode")
    ] == [
        2,
        "wal",
    ]
    file.close()


def test_who_waits_for_work_gets_it_though_the_first_commit_failed(
    house: House, control: Peer, worker: Peer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the keeper remembers of who waits is put back with the rows."""
    worker.send(Ready(worker="w", kinds=["render"], wait=30.0))
    assert worker.silent()
    monkeypatch.setattr(failpoint, "_faults", failpoint.Faults(str(tmp_path), "", "keeper"))
    (tmp_path / "before_commit").write_text("full")
    control.ask(Render(plan="r", quadrants=[(0, 0)]), Accepted)
    assert isinstance(worker.hear().body, Lease)
    assert not (tmp_path / "before_commit").exists()
