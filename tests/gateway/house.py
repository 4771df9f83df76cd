"""A small house for the gateway's tests: the real keeper and the real gateway as processes of their own."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
from multidict import CIMultiDictProxy

from services.config import Sockets

TREE = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 60.0
CANARY = "CANARY-9f3e57a1"
NIGHT: dict[str, Any] = {
    "name": "Night",
    "model_id": "night",
    "provider": "oxen",
    "api_key": CANARY,
    "endpoint": "https://models.invalid/v1",
    "output_layer": "dark",
    "input_layer": "generation",
}
"""A model of another layer than the map."""

T = TypeVar("T")
Headers = CIMultiDictProxy[str]

CONFIG: dict[str, Any] = {
    "name": "Test </script><b>city",
    "default_model_id": "pixel-art",
    "models": [
        {"name": "Pixel art", "model_id": "pixel-art", "provider": "pixel-art", "prompt": "a city"},
        {"name": "Chunky", "model_id": "chunky", "provider": "pixel-art", "cell": 4},
        {
            "name": "Paid",
            "model_id": "paid",
            "provider": "oxen",
            "api_key": CANARY,
            "endpoint": "https://models.invalid/v1",
        },
        {"name": "Keyless", "model_id": "keyless", "provider": "oxen", "api_key": "${NO_SUCH_KEY}"},
    ],
    "http": {"port": 0},
    "lease_seconds": 5,
}


async def until(probe: Callable[[], Awaitable[T | None]], what: str | Callable[[], str]) -> T:
    """The first thing that the probe finds; fails when it finds nothing for too long."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        found = await probe()
        if found:
            return found
        await asyncio.sleep(0.02)
    raise AssertionError(f"waited {PATIENCE_SECONDS:g} s for {what if isinstance(what, str) else what()}")


class House:
    """One data folder with its processes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "world"
        self.data.mkdir()
        self.config = folder / "app_config.json"
        self.studio = folder / "studio"
        self.configure()
        self.sockets = Sockets(self.data)
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.environment: dict[str, str] = {}
        self.session: aiohttp.ClientSession

    def configure(self, **changes: Any) -> None:
        """Write app_config.json with changes at its top level."""
        self.config.write_text(json.dumps(CONFIG | changes))

    def start(self, kind: str) -> subprocess.Popen[bytes]:
        """Start one process without waiting for it."""
        log = open(self.folder / f"{kind}.out", "ab")  # noqa: SIM115 - the child writes to it
        environment = {**os.environ, "TILEWRIGHT_STUDIO": str(self.studio), **self.environment}
        command = [sys.executable, "-m", f"services.{kind}", "--name", f"{kind}-1"]
        process = subprocess.Popen(
            [*command, "--config", str(self.config), "--data", str(self.data)],
            cwd=TREE,
            env=environment,
            stderr=log,
            stdout=log,
            start_new_session=True,
        )
        log.close()
        self.processes[kind] = process
        return process

    async def open(self, *kinds: str) -> str:
        """Start processes and give the gateway's address once it listens, and serves if there is a keeper."""
        for kind in kinds:
            self.start(kind)
        address = await until(self._listening, lambda: f"the gateway to listen: {self.out('gateway')}")
        if "keeper" in self.processes:
            await until(lambda: self._healthy(address), lambda: f"the keeper: {self.out('keeper')}")
        return address

    def end(self, kind: str, number: signal.Signals = signal.SIGTERM) -> int:
        """Stop one process and wait for its end."""
        process = self.processes.pop(kind)
        process.send_signal(number)
        if number == signal.SIGKILL and kind == "gateway":
            (self.data / "gateway.address").unlink(missing_ok=True)
        return process.wait(PATIENCE_SECONDS)

    def close(self) -> None:
        """Stop everything."""
        for kind in list(self.processes):
            self.end(kind, signal.SIGKILL)

    def out(self, kind: str) -> str:
        """What a process has written to its log."""
        path = self.folder / f"{kind}.out"
        return path.read_text() if path.exists() else ""

    async def get(self, path: str, **options: Any) -> tuple[int, Any, Headers]:
        """Status, JSON and headers of one GET."""
        async with self.session.get(await self.url(path), **options) as answer:
            return answer.status, await answer.json(), answer.headers

    async def post(self, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """Status and JSON of one POST."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.session.post(await self.url(path), json=body or {}, headers=named) as answer:
            return answer.status, await answer.json()

    async def picture(self, path: str, **headers: str) -> tuple[int, bytes, Headers]:
        """Status, bytes and headers of one GET of an image."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.session.get(await self.url(path), headers=named) as answer:
            return answer.status, await answer.read(), answer.headers

    async def url(self, path: str) -> str:
        """The whole address of a path."""
        return await until(self._listening, "the gateway to listen") + path

    async def _listening(self) -> str | None:
        file = self.data / "gateway.address"
        return file.read_text().strip() if file.exists() else None

    async def _healthy(self, address: str) -> bool:
        async with self.session.get(address + "/health") as answer:
            return answer.status == 200


def code(answer: object) -> str:
    assert isinstance(answer, dict)
    assert set(answer) == {"error"}
    assert set(answer["error"]) == {"code", "message", "details"}
    return str(answer["error"]["code"])


async def settled(house: House, plan: str) -> dict[str, Any]:
    """The plan, once none of its jobs can go on by itself."""

    async def look() -> dict[str, Any] | None:
        _, answer, _ = await house.get("/api/plans")
        return next((p for p in answer["plans"] if p["plan"] == plan and p["settled"]), None)

    return await until(look, f"{plan} to settle")


class Listener:
    """An EventSource as a browser has it: reads events, remembers the last id."""

    def __init__(self, house: House, *, since: int | None = None) -> None:
        self.seen: list[int] = []
        self.changes: list[dict[str, Any]] = []
        self.named: list[str] = []
        self.since = since
        self._house = house
        self._task = asyncio.create_task(self._listen())

    async def until_seen(self, last: int) -> None:
        """Wait until event `last` has come."""

        async def seen() -> bool:
            if self._task.done():
                self._task.result()
            return bool(self.seen) and self.seen[-1] >= last

        await until(seen, f"event {last}; {self.seen[-3:]} came")

    async def until_named(self, name: str) -> None:
        """Wait for an event of that name."""

        async def came() -> bool:
            return name in self.named

        await until(came, f"event {name}")

    async def close(self) -> None:
        """Stop listening."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _listen(self) -> None:
        while True:
            try:
                async for event in self._events():
                    self._take(event)
            except (aiohttp.ClientError, OSError):
                pass
            await asyncio.sleep(0.05)

    async def _events(self) -> AsyncIterator[dict[str, str]]:
        headers = {}
        path = "/api/events"
        if self.seen:
            headers["Last-Event-ID"] = str(self.seen[-1])
        elif self.since is not None:
            path += f"?since={self.since}"
        timeout = aiohttp.ClientTimeout(total=None, sock_read=PATIENCE_SECONDS)
        url = await self._house.url(path)
        async with self._house.session.get(url, headers=headers, timeout=timeout) as answer:
            event: dict[str, str] = {}
            async for line in answer.content:
                text = line.decode().rstrip("\n")
                if text:
                    field, _, value = text.partition(": ")
                    event[field] = value
                elif event:
                    yield event
                    event = {}

    def _take(self, event: dict[str, str]) -> None:
        if "event" in event:
            self.named.append(event["event"])
        elif "data" in event:
            content = json.loads(event["data"])
            assert content["seq"] == int(event["id"])
            self.seen.append(content["seq"])
            self.changes.append(content["change"])
