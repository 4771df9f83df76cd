"""A mailbox: one bound ROUTER socket that drains all that is ready and hands it over as one batch."""

import asyncio
import logging
import os
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import zmq

from protocol.codec import Catalogue, Envelope, decode, encode
from protocol.errors import ProtocolError
from protocol.message import Error, Message
from services.failpoint import failpoint

BATCH = 500
"""Messages taken at once: enough to share one commit, few enough to answer others soon."""

NOW = int(zmq.NOBLOCK)
AND_MORE = int(zmq.NOBLOCK | zmq.SNDMORE)
"""As numbers: `send_multipart` adds its flags up anew for each frame, which shows at thousands a second."""

log = logging.getLogger("mailbox")


@dataclass(frozen=True)
class Letter:
    """One request and whom to answer."""

    mailbox: "Mailbox"
    peer: bytes
    envelope: Envelope
    delimiter: bool = False
    """Whether the peer is a REQ and expects an empty frame first."""

    def reply(self, body: Message, attachments: Sequence[bytes] = ()) -> bool:
        """Answer; a peer that is gone or does not read is dropped and counted, and the answer is False."""
        return self.mailbox.send(self.peer, self.delimiter, self.envelope.id, body, attachments)

    def refuse(self, error: ProtocolError) -> None:
        """Answer with the error's code and sentence."""
        self.reply(told(error))


def told(error: ProtocolError) -> Error:
    """The answer that tells of an error."""
    return Error(code=error.code, message=error.message, details=error.details, retry_after=error.retry_after)


class Mailbox:
    """A ROUTER socket on the event loop. Malformed messages are answered here and never reach the actor."""

    def __init__(
        self,
        context: zmq.Context[zmq.Socket[bytes]],
        address: str,
        known: Catalogue,
        on_batch: Callable[[list[Letter]], None],
        *,
        max_frame_bytes: int = 1 << 20,
    ) -> None:
        self.address = address
        self.refused = 0
        self.dropped = 0
        self._known = known
        self._on_batch = on_batch
        self._socket = context.socket(zmq.ROUTER)
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.setsockopt(zmq.ROUTER_MANDATORY, 1)
        self._socket.setsockopt(zmq.SNDHWM, 1_000)
        self._socket.setsockopt(zmq.RCVHWM, 1_000)
        self._socket.setsockopt(zmq.MAXMSGSIZE, max_frame_bytes)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._again: asyncio.Handle | None = None
        self._name = secrets.token_hex(12)
        self._sent = 0

    def open(self) -> None:
        """Bind, readable for this user alone, and start to listen."""
        before = os.umask(0o077)
        try:
            self._socket.bind(self.address)
        finally:
            os.umask(before)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._socket.fileno(), self._drain)
        self._look_again()

    def close(self) -> None:
        """Stop listening."""
        if self._loop is not None:
            self._loop.remove_reader(self._socket.fileno())
            self._loop = None
        if self._again is not None:
            self._again.cancel()
        self._socket.close()

    def send(
        self, peer: bytes, delimiter: bool, re: str | None, body: Message, attachments: Sequence[bytes]
    ) -> bool:
        """Send without ever blocking; False if the peer is gone or does not read."""
        if failpoint("reply"):
            return True
        self._sent += 1
        envelope = Envelope(id=f"{self._name}-{self._sent}", re=re, body=body, attachments=list(attachments))
        route = [peer, b""] if delimiter else [peer]
        *frames, last = [*route, *encode(envelope)]
        sent = True
        try:
            # Whether there is room for a message shows at its first frame.
            for frame in frames:
                self._socket.send(frame, AND_MORE, copy=not attachments)
            self._socket.send(last, NOW, copy=not attachments)
        except zmq.ZMQError as error:
            if error.errno not in (zmq.EAGAIN, zmq.EHOSTUNREACH):
                raise
            self.dropped += 1
            sent = False
        # The socket's FD is edge-triggered: a send may consume the edge of a message that has arrived.
        self._look_again()
        return sent

    def _look_again(self) -> None:
        if self._loop is not None and self._again is None:
            self._again = self._loop.call_soon(self._drain)

    def _drain(self) -> None:
        self._again = None
        letters: list[Letter] = []
        for _ in range(BATCH):
            try:
                peer, *frames = self._socket.recv_multipart(flags=zmq.NOBLOCK)
            except zmq.Again:
                break
            delimiter = bool(frames) and frames[0] == b""
            try:
                envelope = decode(frames, self._known)
            except ProtocolError as error:
                self.refused += 1
                log.warning("refused a message: %s", error)
                body = Error(code=error.code, message=error.message, details=error.details)
                self.send(peer, delimiter, error.re, body, ())
                continue
            letters.append(Letter(self, peer, envelope, delimiter))
        else:
            self._look_again()
        if letters:
            self._on_batch(letters)
