"""Ask and wait: a DEALER that sends a request again, under the same id, until it is answered."""

import asyncio
import uuid
from collections.abc import Callable, Sequence
from itertools import count
from typing import TypeVar

import zmq
import zmq.asyncio

from protocol.codec import Catalogue, Envelope, decode, encode
from protocol.errors import Code, ProtocolError
from protocol.message import Error, Message
from services.backoff import exponential

ANSWER_LIMIT_BYTES = 64 << 20

M = TypeVar("M", bound=Message)


class Unanswered(ProtocolError):
    """Raised when nobody answered in time; whether the request was carried out is not known."""


class Client:
    """A connection to one ROUTER socket. Requests may overlap; the order of answers does not matter.

    `stray` is given each answer that nobody waits for any longer.
    """

    def __init__(
        self, address: str, answers: Catalogue, *, stray: Callable[[Envelope], None] | None = None
    ) -> None:
        self.address = address
        self._answers = answers
        self._stray = stray
        self._waiting: dict[str, asyncio.Future[Envelope]] = {}
        self._asked: dict[str, list[bytes]] = {}
        self._context = zmq.asyncio.Context()
        self._socket = self._context.socket(zmq.DEALER)
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.setsockopt(zmq.SNDHWM, 100)
        # Without IMMEDIATE a message to a keeper that is down would be queued in silence.
        self._socket.setsockopt(zmq.IMMEDIATE, 1)
        self._socket.setsockopt(zmq.RECONNECT_IVL, 50)
        self._socket.setsockopt(zmq.RECONNECT_IVL_MAX, 250)
        self._connected = self._socket.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED)
        self._socket.connect(address)
        self._tasks: list[asyncio.Task[None]] = []

    async def exchange(
        self,
        body: Message,
        *,
        attachments: Sequence[bytes] = (),
        timeout: float = 10.0,
        resend: float = 2.0,
        request_id: str | None = None,
    ) -> Envelope:
        """The answer to one request, sent again every `resend` seconds until `timeout` seconds are over.

        Raises ProtocolError if the answer is an error, Unanswered if there is none.
        """
        if not self._tasks:
            self._tasks = [asyncio.create_task(self._read()), asyncio.create_task(self._ask_again())]
        request = Envelope(id=request_id or uuid.uuid4().hex, body=body, attachments=list(attachments))
        frames = encode(request)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout
        # A connection that was just begun is there in a moment; one to a process that is down is not.
        tries = count(1)
        answer: asyncio.Future[Envelope] = loop.create_future()
        self._waiting[request.id] = answer
        self._asked[request.id] = frames
        try:
            while (left := deadline - loop.time()) > 0:
                sent = await self._send(frames)
                pause = min(left, resend if sent else exponential(next(tries), first=0.004, limit=0.05))
                done, _ = await asyncio.wait([answer], timeout=pause)
                if done:
                    break
        finally:
            del self._waiting[request.id], self._asked[request.id]
            answer.cancel()
        if answer.cancelled():
            raise Unanswered(Code.UNAVAILABLE, f"{body.TYPE}: no answer within {timeout:g} s.")
        envelope = answer.result()
        if isinstance(envelope.body, Error):
            error = envelope.body
            raise ProtocolError(
                error.code, error.message, details=error.details, retry_after=error.retry_after
            )
        return envelope

    async def ask(
        self,
        body: Message,
        answer: type[M],
        *,
        attachments: Sequence[bytes] = (),
        timeout: float = 10.0,
        resend: float = 2.0,
    ) -> M:
        """The answer's body, which is of the type expected."""
        envelope = await self.exchange(body, attachments=attachments, timeout=timeout, resend=resend)
        if not isinstance(envelope.body, answer):
            raise ProtocolError(Code.BAD_MESSAGE, f"{body.TYPE} was answered by {envelope.body.TYPE}.")
        return envelope.body

    async def close(self) -> None:
        """Let go of the socket; requests still waiting end as unanswered. May be called again."""
        if self._socket.closed:
            return
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._socket.disable_monitor()
        self._connected.close()
        self._socket.close()
        self._context.term()

    async def _send(self, frames: list[bytes]) -> bool:
        try:
            await self._socket.send_multipart(frames, flags=zmq.NOBLOCK, copy=False)
        except zmq.Again:
            return False
        return True

    async def _ask_again(self) -> None:
        """Send what is unanswered again at once on a new connection: the old one took it along."""
        await self._connected.recv_multipart()
        while True:
            await self._connected.recv_multipart()
            for frames in list(self._asked.values()):
                await self._send(frames)

    async def _read(self) -> None:
        while True:
            frames = await self._socket.recv_multipart()
            try:
                envelope = decode(frames, self._answers, limit=ANSWER_LIMIT_BYTES)
            except ProtocolError as error:
                # Somebody newer speaks; whoever asked learns it, the connection lives on.
                envelope = Envelope(
                    id="undecodable",
                    re=error.re,
                    body=Error(code=error.code, message=error.message, details=error.details),
                )
            waiting = self._waiting.get(envelope.re or "")
            if waiting is not None and not waiting.done():
                waiting.set_result(envelope)
            elif self._stray is not None:
                self._stray(envelope)
