"""The stub model: an image model on loopback that paints nothing and counts what would be paid for."""

import asyncio
import hashlib
import json
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any


def content(model_id: str, seed: int | None, quadrants: Any, prompt: str) -> str:
    """The name under which calls for the same thing are counted."""
    return json.dumps([model_id, seed, sorted([x, y] for x, y in quadrants), prompt])


@dataclass(frozen=True)
class Bill:
    """One call that was answered."""

    at: float
    """On the clock that all processes share."""
    model_id: str
    job: int
    token: int
    """Of the lease that it was made under."""


class StubModel:
    """Answers every call after a delay. One call in `moody` fails the first time that it is made."""

    def __init__(self, *, seconds: float = 0.02, moody: int = 40) -> None:
        self.begun: Counter[str] = Counter()
        self.answered: Counter[str] = Counter()
        """An answer is paid for once it was sent to somebody who was there to take it."""
        self.bills: list[Bill] = []
        """The same one by one, as they came; nobody but the model writes here."""
        self.moods = 0
        self._seconds = seconds
        self._moody = moody
        self._server: asyncio.Server | None = None

    async def open(self) -> str:
        """Listen; the address."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        host, port = self._server.sockets[0].getsockname()
        return f"http://{host}:{port}/edit"

    async def close(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
            asked = json.loads(await reader.readexactly(length))
            name = content(asked["model_id"], asked["seed"], asked["quadrants"], asked["prompt"])
            self.begun[name] += 1
            await asyncio.sleep(self._seconds)
            if reader.at_eof():
                # Whoever asked was killed meanwhile.
                return
            if self.begun[name] == 1 and self._is_moody(name):
                self.moods += 1
                await self._answer(writer, "503 Busy", {})
            else:
                self.answered[name] += 1
                self.bills.append(Bill(time.monotonic(), asked["model_id"], asked["job"], asked["token"]))
                await self._answer(writer, "200 OK", {"call": self.answered.total()})
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    def _is_moody(self, name: str) -> bool:
        return hashlib.sha256(name.encode()).digest()[0] * self._moody < 256

    async def _answer(self, writer: asyncio.StreamWriter, status: str, body: Any) -> None:
        text = json.dumps(body).encode()
        head = f"HTTP/1.1 {status}\r\nContent-Length: {len(text)}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode() + text)
        await writer.drain()
