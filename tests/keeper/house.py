"""A real keeper on a loop of its own, peers that talk to it, and painters that do its jobs."""

import asyncio
import io
import sqlite3
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import zmq
from PIL import Image

from protocol.codec import Catalogue, Envelope, catalogue, decode, encode
from protocol.control import (
    Changed,
    GetJob,
    GetMap,
    GetStatus,
    Job,
    Jobs,
    ListJobs,
    MapView,
    Plans,
    Quadrant,
    Status,
)
from protocol.event import Event, Events, Watch
from protocol.ingest import Accepted, PartTaken, Publish
from protocol.message import Error, Message, Ping, Pong
from protocol.order import Candidates, Deleted, Exported, Orphans, Pruned, Reverted
from protocol.plan import Plan, Step
from protocol.region import Planned
from protocol.view import JobView
from protocol.work import (
    Ack,
    Acked,
    Asset,
    AssetFile,
    Farewell,
    Idle,
    Lease,
    Made,
    Nacked,
    Pixels,
    Ready,
    TileImage,
    Touched,
)
from services.config import AppConfig, Sockets
from services.drill.picture import picture
from services.keeper.keeper import Keeper

PATIENCE_SECONDS = 30.0
ANSWERS: Catalogue = catalogue(
    Accepted, Acked, AssetFile, Candidates, Changed, Deleted, Events, Farewell, Idle, Job, Jobs, Lease,
    MapView, Nacked, Orphans, PartTaken, Pixels, Planned, Plans, Pong, Pruned, Exported, Quadrant, Reverted,
    Status, Touched,
)  # fmt: skip
CONFIG: dict[str, Any] = {
    "default_model_id": "plain",
    "models": [
        # Without a palette its jobs wait for their renders alone.
        {"name": "Plain", "model_id": "plain", "provider": "oxen", "api_key": "literal", "prompt": "a city"},
        {"name": "Pixel art", "model_id": "pixel-art", "provider": "pixel-art"},
        {"name": "Keyless", "model_id": "keyless", "provider": "oxen", "api_key": "${NO_SUCH_KEY}"},
    ],
    "lease_seconds": 60.0,
    "max_attempts": 3,
}

M = TypeVar("M", bound=Message)
T = TypeVar("T")


class Clock:
    """The wall's clock and the machine's own; both stand still until they are moved."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0
        self.up = 5_000.0
        """Seconds since the machine was started."""
        self.boot = uuid.UUID(int=1 << 100)

    def __call__(self) -> float:
        return self.now

    def forward(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds
        self.up += seconds

    def jump(self, seconds: float) -> None:
        """Set the wall's clock, as somebody does who finds it wrong."""
        self.now += seconds

    def reboot(self) -> None:
        """Start the machine anew."""
        self.up, self.boot = 10.0, uuid.uuid4()


class House:
    """One data folder and the keeper that owns it, run in a thread and stopped in order."""

    def __init__(self, folder: Path, **config: Any) -> None:
        self.data = folder / "d"
        # A keeper is given no keys, and here it is told that none is missing.
        self.config = AppConfig.model_validate({**CONFIG, **config}).told({})
        self.clock = Clock()
        self.sockets = Sockets(self.data)
        self.data.mkdir(exist_ok=True)
        self.sockets.prepare()
        self.failure: BaseException | None = None
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._keeper: Keeper | None = None
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()

    def open(self) -> None:
        """Start the keeper; raises what it raises before it serves."""
        opened: Future[None] = Future()
        self._thread = threading.Thread(target=self._run, args=(opened,), daemon=True)
        self._thread.start()
        opened.result(PATIENCE_SECONDS)
        self.peer("control").ping()

    def _run(self, opened: "Future[None]") -> None:
        # Opened where it is used: SQLite ties a connection to its thread.
        try:
            keeper = Keeper(
                self.config,
                self.data,
                self.sockets,
                clock=self.clock,
                monotonic=lambda: self.clock.up,
                boot=lambda: str(self.clock.boot),
            )
        except BaseException as error:
            opened.set_exception(error)
            return
        try:
            asyncio.run(self._serve(keeper, opened))
        except BaseException as error:
            self.failure = error

    async def _serve(self, keeper: Keeper, opened: "Future[None]") -> None:
        self._loop, self._stop, self._keeper = asyncio.get_running_loop(), asyncio.Event(), keeper
        opened.set_result(None)
        await keeper.run(self._stop)

    def take_over(self, config: AppConfig) -> None:
        """Let the running keeper go by another configuration; what is asked afterwards is answered by it."""
        assert self._loop is not None and self._keeper is not None
        self.config = config
        self._loop.call_soon_threadsafe(self._keeper.take_over, config)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let the keeper do nothing for now; what is sent meanwhile it finds all at once."""
        assert self._loop is not None
        stands, goes_on = threading.Event(), threading.Event()

        def stand() -> None:
            stands.set()
            goes_on.wait(PATIENCE_SECONDS)

        self._loop.call_soon_threadsafe(stand)
        assert stands.wait(PATIENCE_SECONDS)
        try:
            yield
        finally:
            goes_on.set()

    def close(self) -> None:
        """Stop the keeper and wait until it has let go of the folder."""
        if self._thread is not None and self._thread.is_alive():
            assert self._loop is not None and self._stop is not None
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(PATIENCE_SECONDS)
            assert not self._thread.is_alive()

    def ended(self) -> BaseException | None:
        """Wait until the keeper ends by itself; what it raised."""
        assert self._thread is not None
        self._thread.join(PATIENCE_SECONDS)
        assert not self._thread.is_alive()
        return self.failure

    def end(self) -> None:
        """Stop everything, and fail if the keeper had a bug."""
        self.close()
        self._context.destroy(linger=0)

    def peer(self, socket: Any) -> "Peer":
        """A fresh connection to one of the keeper's sockets."""
        return Peer(self._context, self.sockets.address(socket))

    def job(self, job_id: int) -> JobView:
        return self.peer("control").ask(GetJob(job=job_id), Job).job

    def jobs(self, **wanted: Any) -> list[JobView]:
        return self.peer("control").ask(ListJobs(limit=500, **wanted), Jobs).jobs

    def status(self) -> Status:
        return self.peer("control").ask(GetStatus(), Status)

    def map(self, x0: int = -50, y0: int = -50, x1: int = 50, y1: int = 50) -> MapView:
        return self.peer("control").ask(GetMap(bounds=(x0, y0, x1, y1)), MapView)

    def events(self, since: int = 0) -> list[Event]:
        return self.peer("control").ask(Watch(since=since, limit=1000), Events).events

    def publish(self, *steps: Step, id: str = "p1", **plan: Any) -> Accepted:
        request = Publish(plan=Plan(id=id, steps=list(steps), **plan))
        return self.peer("ingest").ask(request, Accepted)

    def refused(self, *steps: Step, id: str = "p1", **plan: Any) -> Error:
        return self.peer("ingest").ask(Publish(plan=Plan(id=id, steps=list(steps), **plan)), Error)

    def rendered(self, x0: int, y0: int, x1: int, y1: int) -> None:
        """Let there be renders, without any pixels, so that model calls there wait for nothing."""
        self.close()
        self.select(
            f"WITH RECURSIVE xs (x) AS (SELECT {x0} UNION ALL SELECT x + 1 FROM xs WHERE x < {x1}), "
            f"ys (y) AS (SELECT {y0} UNION ALL SELECT y + 1 FROM ys WHERE y < {y1}) "
            "INSERT INTO tiles (layer, x, y, version) SELECT 'render', x, y, 1 FROM xs, ys"
        )
        self.open()

    def select(self, sql: str) -> list[tuple[Any, ...]]:
        """Look into the database, or meddle with it; only while the keeper is closed."""
        path = self.data / "tilewright.db"
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            return connection.execute(sql).fetchall()


class Peer:
    """A DEALER that asks and waits."""

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], address: str) -> None:
        self.socket = context.socket(zmq.DEALER)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.setsockopt(zmq.RCVTIMEO, int(PATIENCE_SECONDS * 1000))
        self.socket.connect(address)

    def send(self, body: Message, attachments: Sequence[bytes] = (), id: str | None = None) -> str:
        envelope = Envelope(id=id or uuid.uuid4().hex, body=body, attachments=list(attachments))
        self.socket.send_multipart(encode(envelope))
        return envelope.id

    def hear(self) -> Envelope:
        return decode(self.socket.recv_multipart(), ANSWERS, limit=64 << 20)

    def silent(self) -> bool:
        """Whether nothing has come, after another request on the same connection was answered."""
        self.send(Ping(), id="still there")
        return self.hear().re == "still there"

    def exchange(self, body: Message, attachments: Sequence[bytes] = (), id: str | None = None) -> Envelope:
        sent = self.send(body, attachments, id)
        answer = self.hear()
        assert answer.re == sent
        return answer

    def ask(
        self, body: Message, answer: type[M], attachments: Sequence[bytes] = (), id: str | None = None
    ) -> M:
        found = self.exchange(body, attachments, id).body
        assert isinstance(found, answer), found
        return found

    def ping(self) -> None:
        self.ask(Ping(), Pong)

    def ready(self, *kinds: Any, worker: str = "w", id: str | None = None) -> Lease | None:
        """A lease if there is work at this moment."""
        found = self.exchange(Ready(worker=worker, kinds=list(kinds or ALL)), id=id).body
        assert isinstance(found, Lease | Idle), found
        return found if isinstance(found, Lease) else None

    def lease(self, *kinds: Any, worker: str = "w", id: str | None = None) -> Lease:
        """A lease; there must be work."""
        found = self.ready(*kinds, worker=worker, id=id)
        assert found is not None
        return found

    def ack(self, lease: Lease) -> Acked:
        body, attachments = result(lease)
        return self.ask(body, Acked, attachments)

    def late(self, lease: Lease) -> Error:
        """Hand in a result that must be refused."""
        body, attachments = result(lease)
        return self.ask(body, Error, attachments)

    def work_off(self, *kinds: Any, worker: str = "w") -> list[Lease]:
        """Do every job there is, one after the other."""
        done = []
        while (lease := self.ready(*kinds, worker=worker)) is not None:
            self.ack(lease)
            done.append(lease)
        return done


ALL = ("render", "generate", "palette")


def png(mode: str = "RGB", size: tuple[int, int] = (512, 512), colour: int = 7) -> bytes:
    content = io.BytesIO()
    Image.new(mode, size, (colour,) * len(mode) if len(mode) > 1 else colour).save(content, "PNG")
    return content.getvalue()


RGB, RGBA = picture(), picture(alpha=True)
"""What painters hand in, over and over: decoded several times as fast as what Pillow writes by itself."""


def result(lease: Lease) -> tuple[Ack, list[bytes]]:
    """What a painter hands in for a lease."""
    work = lease.work
    made = Made(worker="painter", seconds=0.5)
    if work.kind == "palette":
        asset = Asset(name="palette", attachment=0)
        return Ack(job=lease.job, token=lease.token, assets=[asset], made=made), [b"palette"]
    tiles = []
    if work.kind == "render":
        for x, y in work.quadrants:
            tiles.append(TileImage(layer="render", x=x, y=y, attachment=0))
            tiles.append(TileImage(layer="object", x=x, y=y, attachment=1))
            tiles.append(TileImage(layer="depth", x=x, y=y, attachment=0))
    else:
        for x, y in (*work.quadrants, *work.scaffold):
            tiles.append(TileImage(layer=work.layer, x=x, y=y, attachment=0))
    return Ack(job=lease.job, token=lease.token, tiles=tiles, made=made), [RGB, RGBA]


def until(probe: Callable[[], T | None], what: str) -> T:
    """The first thing that the probe finds; fails when it finds nothing for too long."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if found := probe():
            return found
        time.sleep(0.02)
    raise AssertionError(f"waited {PATIENCE_SECONDS:g} s for {what}")


def island(x: int, y: int, id: str = "s1", **step: Any) -> Step:
    """A 2×2 step with its top left at (x, y)."""
    return Step(id=id, quadrants=[(x, y), (x + 1, y), (x, y + 1), (x + 1, y + 1)], **step)


@contextmanager
def opened(folder: Path, **config: Any) -> Iterator[House]:
    house = House(folder, **config)
    house.open()
    try:
        yield house
    finally:
        house.end()
    assert house.failure is None, house.failure
