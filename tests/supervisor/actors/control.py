"""The control socket of a keeper of paper."""

import contextlib
from collections.abc import Iterator

import zmq

from protocol.control import CONTROL, Changed
from protocol.order import WorkerGone
from services.actor import Letter, Mailbox
from services.process import Process


@contextlib.contextmanager
def listening(process: Process, answers: bool) -> Iterator[None]:
    """Note in DATA/gone who is said to be gone, and answer unless told not to."""

    def on_batch(letters: list[Letter]) -> None:
        for letter in letters:
            assert isinstance(letter.envelope.body, WorkerGone)
            with (process.data / "gone").open("a") as lines:
                lines.write(f"{letter.envelope.body.name}\n")
            if answers:
                letter.reply(Changed(jobs=0))

    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    mailbox = Mailbox(context, process.sockets.address("control"), CONTROL, on_batch)
    mailbox.open()
    try:
        yield
    finally:
        mailbox.close()
        context.term()
