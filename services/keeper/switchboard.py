"""The switchboard: which handler answers a message, and by which way it gets there."""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import groupby

from protocol.errors import Code, ProtocolError
from protocol.message import Message, Ping, Pong
from protocol.work import Ack, Fetch, FetchAsset, Ready
from services.actor import Letter
from services.keeper.batch import Batches, Deed, Errand, Handler, Handlers
from services.keeper.bundle import is_small

Hand = Callable[[Sequence[Letter]], None]


class Switchboard:
    """Hands letters to the batches; `on_small` takes small requests for plans, several at a time."""

    def __init__(self, batches: Batches, on_small: Errand, name: str) -> None:
        self._batches = batches
        self._on_small = on_small
        self._name = name
        # Of results their files are put on disk first; then their commits are added, like all else.
        self._ways: dict[type[Message], Callable[[Letter, Deed], None]] = {
            Ready: batches.add_sure,
            Ack: batches.at_once,
            Fetch: batches.at_once,
            FetchAsset: batches.at_once,
        }

    def line(self, *handlers: Handlers) -> Hand:
        """What hands the letters of one mailbox to the handlers that are meant for it."""
        known: dict[type[Message], Handler] = {Ping: self._on_ping}
        for some in handlers:
            known.update(some)
        return partial(self._hand, known)

    def _hand(self, handlers: Handlers, letters: Sequence[Letter]) -> None:
        """Hand what came in to those who answer it, small requests for plans together."""
        for small, run in groupby(letters, lambda letter: is_small(letter.envelope.body)):
            if small:
                self._batches.add_all(list(run), self._on_small)
                continue
            for letter in run:
                body = letter.envelope.body
                handler = handlers.get(type(body))
                if handler is None:
                    letter.refuse(
                        ProtocolError(Code.UNKNOWN_TYPE, f"{body.TYPE} is an answer, not a request.")
                    )
                else:
                    self._ways.get(type(body), self._batches.add)(letter, partial(handler, letter, body))

    def _on_ping(self, letter: Letter, ping: Ping) -> Message:
        return Pong(name=self._name)
