"""A keeper as a process of its own on a folder on disk, and clients that do nothing but ask it."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path

import zmq

from protocol.codec import Envelope, catalogue, decode, encode
from protocol.control import Status
from protocol.ingest import Accepted, PartTaken, Publish
from protocol.message import Error, Message, Ping, Pong
from protocol.plan import Plan, Step
from protocol.work import Acked, Idle, Lease
from services.config import Sockets

CONFIG = {
    "default_model_id": "plain",
    "models": [{"name": "Plain", "model_id": "plain", "provider": "pixel-art"}],
    "queue_limit": 10_000_000,
}
ANSWERS = catalogue(Accepted, Acked, Idle, Lease, PartTaken, Pong, Status)
PATIENCE_SECONDS = 120.0
ROOT = Path(__file__).parents[1]


class KeeperProcess:
    """What every other service talks to, started as the supervisor would."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="tw-bench-", dir=os.environ.get("BENCH_FOLDER")))
        self.data = self.folder / "d"
        self.config = self.folder / "app_config.json"
        self.config.write_text(json.dumps(CONFIG))
        self.sockets = Sockets(self.data)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        command = [sys.executable, "-m", "services.keeper", "--lifeline"]
        command += ["--config", str(self.config), "--data", str(self.data)]
        self.process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
        asker = Asker(self.sockets.address("control"))
        asker.ask(Ping())
        asker.close()

    def stop(self) -> None:
        """Stop it in order; its folder stays."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait()
            assert self.process.stdin is not None
            # Not before it has ended: without its lifeline it would end at once, in no order.
            self.process.stdin.close()

    def remove(self) -> None:
        """Stop it and remove its folder."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


class Asker:
    """A DEALER that asks and waits, or asks for much at once."""

    def __init__(self, address: str) -> None:
        self.context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.socket = self.context.socket(zmq.DEALER)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.setsockopt(zmq.RCVTIMEO, int(PATIENCE_SECONDS * 1_000))
        self.socket.connect(address)

    def ask(self, body: Message, attachments: Sequence[bytes] = ()) -> Message:
        """The answer to one request; raises RuntimeError if it is an error."""
        self.socket.send_multipart(
            encode(Envelope(id=uuid.uuid4().hex, body=body, attachments=list(attachments)))
        )
        return self.hear()

    def hear(self) -> Message:
        """The next answer."""
        answer = decode(self.socket.recv_multipart(), ANSWERS, limit=64 << 20).body
        if isinstance(answer, Error):
            raise RuntimeError(answer.message)
        return answer

    def close(self) -> None:
        """Let go of the socket."""
        self.socket.close()
        self.context.term()


def apart(number: int) -> tuple[int, int]:
    """A quadrant of its own for each number, in no frame of another's."""
    return 4 * (number % 100_000), 4 * (number // 100_000)


def one_step(number: int) -> Publish:
    """A plan of one render, far from every other: one job."""
    step = Step(id="r", kind="render", quadrants=[apart(number)])
    return Publish(plan=Plan(id=f"p{number}", steps=[step]))


@contextlib.contextmanager
def keeper() -> Iterator[KeeperProcess]:
    """A keeper on an empty folder, stopped and removed in the end."""
    process = KeeperProcess()
    try:
        process.start()
        yield process
    finally:
        process.remove()


def seconds(began: float) -> float:
    """Since then, and never nothing."""
    return max(1e-9, time.perf_counter() - began)
