"""Rivals: other queues of this machine, each in a temporary folder with its durable settings.

A rival is started on a private port and stopped by its process id. What is not installed is skipped.
"""

import importlib.util
import os
import shutil
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from bench.crowd import Enqueue

PATIENCE_SECONDS = 20.0
POSTGRES = sorted(Path("/usr/lib/postgresql").glob("*/bin"))

Take = Callable[[], bool]
"""Takes one job if there is one, does it with `work`, acknowledges it; whether there was one."""


def work(folder: str, number: int, png: bytes) -> None:
    """What all workers do for a job: one PNG put durably on disk. The keeper does that by itself."""
    path = Path(folder) / f"{number}.png"
    draft = path.with_suffix(".new")
    with draft.open("wb") as file:
        file.write(png)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    handle = os.open(folder, os.O_RDONLY)
    os.fsync(handle)
    os.close(handle)


class Rival(ABC):
    """One queue, its server if it has one, and its settings."""

    name = ""
    settings = ""
    python = False
    """Whether it is a task queue for Python, with which the issue compares by another factor."""
    modules: tuple[str, ...] = ()
    program: str | None = None

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.process: subprocess.Popen[bytes] | None = None

    def missing(self) -> str:
        """What it needs and is not installed, or nothing."""
        if self.program is not None and shutil.which(self.program) is None:
            return self.program
        return next((m for m in self.modules if importlib.util.find_spec(m) is None), "")

    def start(self) -> None:  # noqa: B027 - not all of them have a server
        """Start its server."""

    @abstractmethod
    def enqueuer(self) -> Callable[[], Enqueue]:
        """What makes, in whichever process, a client that puts jobs in."""

    @abstractmethod
    def taker(self, results: str, png: bytes) -> Callable[[], Take]:
        """What makes, in whichever process, a worker."""

    def stop(self) -> None:
        """Stop its server."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(PATIENCE_SECONDS)

    def _serve(self, *command: str, port: int) -> None:
        self.process = subprocess.Popen(
            command, cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                return
            except OSError:
                time.sleep(0.05)
        raise RuntimeError(f"{self.name} did not start.")


class Beanstalkd(Rival):
    name, settings, program = "beanstalkd", "-b FOLDER -f 0", "beanstalkd"

    def start(self) -> None:
        self.port = free_port()
        command = ("beanstalkd", "-l", "127.0.0.1", "-p", str(self.port), "-b", str(self.folder), "-f", "0")
        self._serve(*command, port=self.port)

    def enqueuer(self) -> Callable[[], Enqueue]:
        return partial(_beanstalk_put, self.port)

    def taker(self, results: str, png: bytes) -> Callable[[], Take]:
        return partial(_beanstalk_take, self.port, results, png)


class RedisList(Rival):
    name, settings, program = "redis list", "appendonly, appendfsync always", "redis-server"
    modules = ("redis",)

    def start(self) -> None:
        self.port = free_port()
        options = ("--appendonly", "yes", "--appendfsync", "always", "--save", "", "--dir", str(self.folder))
        self._serve("redis-server", "--bind", "127.0.0.1", "--port", str(self.port), *options, port=self.port)

    def enqueuer(self) -> Callable[[], Enqueue]:
        return partial(_redis_put, self.port)

    def taker(self, results: str, png: bytes) -> Callable[[], Take]:
        return partial(_redis_take, self.port, results, png)


class Rq(RedisList):
    name, python, modules = "rq", True, ("rq",)

    def enqueuer(self) -> Callable[[], Enqueue]:
        return partial(_rq_put, self.port, str(self.folder))

    def taker(self, results: str, png: bytes) -> Callable[[], Take]:
        return partial(_rq_take, self.port)


class Celery(RedisList):
    name, python, modules = "celery", True, ("celery", "redis")

    def enqueuer(self) -> Callable[[], Enqueue]:
        return partial(_celery_put, self.port)

    def taker(self, results: str, png: bytes) -> Callable[[], Take]:
        raise NotImplementedError("Celery's workers are a program of their own; only enqueuing is compared.")


class Huey(Rival):
    name, settings, python, modules = "huey", "SqliteHuey, fsync (synchronous=FULL)", True, ("huey",)

    def enqueuer(self) -> Callable[[], Enqueue]:
        return partial(_huey_put, str(self.folder / "huey.db"))

    def taker(self, results: str, png: bytes) -> Callable[[], Take]:
        return partial(_huey_take, str(self.folder / "huey.db"), results, png)


class Postgres(Rival):
    name, settings, modules = "postgresql", "fsync, synchronous_commit, SKIP LOCKED", ("psycopg",)

    def missing(self) -> str:
        if not POSTGRES:
            return "postgresql"
        if os.getuid() == 0 and shutil.which("runuser") is None:
            return "runuser, to run postgresql as somebody else than root"
        return super().missing()

    def start(self) -> None:
        self.port = free_port()
        place = self.folder / "pg"
        place.mkdir()
        alike: tuple[str, ...] = ()
        if os.getuid() == 0:
            # PostgreSQL does not run as root.
            for path in (self.folder, place):
                shutil.chown(path, "postgres")
            alike = ("runuser", "-u", "postgres", "--")
        init = (*alike, str(POSTGRES[-1] / "initdb"), "-D", str(place), "-U", "bench", "-A", "trust")
        subprocess.run(init, check=True, stdout=subprocess.DEVNULL, cwd=self.folder)
        server = (*alike, str(POSTGRES[-1] / "postgres"), "-D", str(place), "-p", str(self.port))
        self._serve(*server, "-c", f"unix_socket_directories={self.folder}", port=self.port)
        with _postgres(self.port) as connection:
            connection.execute("CREATE TABLE jobs (id bigserial PRIMARY KEY, number bigint)")

    def enqueuer(self) -> Callable[[], Enqueue]:
        return partial(_postgres_put, self.port)

    def taker(self, results: str, png: bytes) -> Callable[[], Take]:
        return partial(_postgres_take, self.port, results, png)


RIVALS: tuple[type[Rival], ...] = (Beanstalkd, RedisList, Rq, Celery, Huey, Postgres)


def free_port() -> int:
    """A port that nobody has at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class _Beanstalk:
    """As much of beanstalkd's protocol as is measured."""

    def __init__(self, port: int) -> None:
        self._file = socket.create_connection(("127.0.0.1", port)).makefile("rwb")

    def put(self, number: int) -> None:
        body = str(number).encode()
        self._say(b"put 0 0 60 %d\r\n%s" % (len(body), body))

    def reserve(self) -> tuple[int, int] | None:
        answer = self._say(b"reserve-with-timeout 0")
        if not answer.startswith(b"RESERVED"):
            return None
        number = self._file.read(int(answer.split()[2]) + 2)
        return int(answer.split()[1]), int(number)

    def delete(self, job: int) -> None:
        self._say(b"delete %d" % job)

    def _say(self, line: bytes) -> bytes:
        self._file.write(line + b"\r\n")
        self._file.flush()
        return self._file.readline()


def _beanstalk_put(port: int) -> Enqueue:
    return _Beanstalk(port).put


def _beanstalk_take(port: int, results: str, png: bytes) -> Take:
    client = _Beanstalk(port)

    def take() -> bool:
        found = client.reserve()
        if found is None:
            return False
        work(results, found[1], png)
        client.delete(found[0])
        return True

    return take


def _redis(port: int) -> Any:
    import redis

    return redis.Redis(port=port)


def _redis_put(port: int) -> Enqueue:
    return partial(_redis(port).lpush, "jobs")


def _redis_take(port: int, results: str, png: bytes) -> Take:
    client = _redis(port)

    def take() -> bool:
        # Moved, not popped: what a dead worker had is still somewhere.
        found = client.rpoplpush("jobs", "taken")
        if found is None:
            return False
        work(results, int(found), png)
        client.lrem("taken", 1, found)
        return True

    return take


def _rq_put(port: int, folder: str) -> Enqueue:
    import rq

    queue = rq.Queue(connection=_redis(port))
    png = (Path(folder).parent / "one.png").read_bytes()
    return lambda number: queue.enqueue(work, str(Path(folder).parent / "results"), number, png)


def _rq_take(port: int) -> Take:
    import rq

    worker = rq.SimpleWorker([rq.Queue(connection=_redis(port))], connection=_redis(port))
    # One burst does all that is there.
    return lambda: bool(worker.work(burst=True, logging_level="ERROR"))


def _celery_put(port: int) -> Enqueue:
    import celery

    app = celery.Celery(broker=f"redis://127.0.0.1:{port}/0")
    return lambda number: app.send_task("work", (number,))


def _huey(path: str) -> Any:
    import huey

    return huey.SqliteHuey(filename=path, fsync=True, results=False)


def _huey_put(path: str) -> Enqueue:
    task = _huey(path).task(name="work")(_number)
    return lambda number: task(number)


def _huey_take(path: str, results: str, png: bytes) -> Take:
    queue = _huey(path)
    queue.task(name="work")(lambda number: work(results, number, png))

    def take() -> bool:
        task = queue.dequeue()
        if task is None:
            return False
        queue.execute(task)
        return True

    return take


def _number(number: int) -> int:
    return number


def _postgres(port: int) -> Any:
    import psycopg

    return psycopg.connect(host="127.0.0.1", port=port, user="bench", dbname="postgres", autocommit=True)


def _postgres_put(port: int) -> Enqueue:
    connection = _postgres(port)
    return lambda number: connection.execute("INSERT INTO jobs (number) VALUES (%s)", (number,))


def _postgres_take(port: int, results: str, png: bytes) -> Take:
    connection = _postgres(port)

    def take() -> bool:
        with connection.transaction():
            found = connection.execute(
                "SELECT id, number FROM jobs ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED"
            ).fetchone()
            if found is None:
                return False
            work(results, found[1], png)
            connection.execute("DELETE FROM jobs WHERE id = %s", (found[0],))
        return True

    return take
