"""One question from the command line to a socket, and its answer."""

import errno
import socket
import time
import uuid
from typing import TypeVar

import zmq

from protocol.codec import Envelope, catalogue, decode, encode
from protocol.errors import Code, ProtocolError
from protocol.message import Error, Message

RESEND_SECONDS = 0.5

M = TypeVar("M", bound=Message)


class NotRunning(Exception):
    """Raised when nobody listens at the address."""


def ask(
    address: str, body: Message, answer: type[M], *, timeout: float = 10.0, resend: float = RESEND_SECONDS
) -> M:
    """The answer to the question, which is sent again under the same id until it is answered.

    Raises NotRunning if nobody listens now, ProtocolError if the answer is an error or does not come.
    """
    if not listening(address):
        raise NotRunning(address)
    request = Envelope(id=uuid.uuid4().hex, body=body)
    deadline = time.monotonic() + timeout
    with zmq.Context() as context, context.socket(zmq.DEALER) as dealer:
        dealer.setsockopt(zmq.LINGER, 0)
        dealer.setsockopt(zmq.IMMEDIATE, 1)
        dealer.connect(address)
        while (left := deadline - time.monotonic()) > 0:
            pause = int(min(left, resend) * 1_000) + 1
            if not dealer.poll(pause, zmq.POLLOUT):
                continue
            dealer.send_multipart(encode(request))
            if not dealer.poll(pause, zmq.POLLIN):
                continue
            reply = decode(dealer.recv_multipart(), catalogue(answer), limit=64 << 20)
            if isinstance(reply.body, Error):
                error = reply.body
                raise ProtocolError(
                    error.code, error.message, details=error.details, retry_after=error.retry_after
                )
            if isinstance(reply.body, answer):
                return reply.body
    raise ProtocolError(Code.UNAVAILABLE, f"{body.TYPE}: no answer within {timeout:g} s.")


def listening(address: str) -> bool:
    """Whether a process has the ipc socket open; a socket file that was left behind is not one."""
    probe = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        probe.settimeout(1.0)
        probe.connect(address.removeprefix("ipc://"))
    except OSError as error:
        return error.errno not in (errno.ENOENT, errno.ECONNREFUSED)
    finally:
        probe.close()
    return True
