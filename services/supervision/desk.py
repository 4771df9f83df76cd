"""The supervisor's socket: hears the heartbeats and answers the command line."""

import asyncio
import os
import uuid
from collections.abc import Callable

import zmq
import zmq.asyncio

from protocol.codec import Envelope, decode, encode
from protocol.errors import ProtocolError
from protocol.life import LIFE
from protocol.message import Error, Message

Handle = Callable[[Message], Message]
"""Answers one request; raises ProtocolError where there is no answer."""


class Desk:
    """A ROUTER socket that answers each request at once."""

    def __init__(self, address: str, handle: Handle) -> None:
        self._handle = handle
        self._context = zmq.asyncio.Context()
        self._socket = self._context.socket(zmq.ROUTER)
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.setsockopt(zmq.ROUTER_MANDATORY, 1)
        self._socket.setsockopt(zmq.SNDHWM, 100)
        self._socket.setsockopt(zmq.MAXMSGSIZE, 1 << 20)
        before = os.umask(0o077)
        try:
            # A socket file that a killed supervisor left is replaced; the lock says that it is nobody's.
            self._socket.bind(address)
        finally:
            os.umask(before)

    async def serve(self) -> None:
        """Answer until cancelled."""
        while True:
            peer, *frames = await self._socket.recv_multipart()
            route = [peer, b""] if frames and frames[0] == b"" else [peer]
            answer = self._answer(frames)
            try:
                await self._socket.send_multipart([*route, *encode(answer)], flags=zmq.NOBLOCK)
            except zmq.ZMQError as error:
                # Whoever asked is gone or does not read.
                if error.errno not in (zmq.EAGAIN, zmq.EHOSTUNREACH):
                    raise

    def close(self) -> None:
        """Let go of the socket."""
        self._socket.close()
        self._context.term()

    def _answer(self, frames: list[bytes]) -> Envelope:
        re: str | None = None
        body: Message
        try:
            request = decode(frames, LIFE)
            re = request.id
            body = self._handle(request.body)
        except ProtocolError as error:
            re = re or error.re
            body = Error(code=error.code, message=error.message, details=error.details)
        return Envelope(id=uuid.uuid4().hex, re=re, body=body)


async def cancelled(task: asyncio.Task[None]) -> None:
    """Cancel the task and wait until it has ended."""
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
