"""Providers that take a call on and answer later: what it is called there is kept before anything is awaited.

A worker that takes the job over goes on asking for the same picture, so nobody pays for it twice.
"""

import asyncio
import itertools
import re
from abc import abstractmethod
from collections.abc import Mapping

from services.generator.calls.endpoint import Answer
from services.generator.models.adapter import Request
from services.generator.models.remote import Remote
from services.generator.pictures import apart
from services.task import TryFailed

MISSES = 4
"""Questions in a row that may fail before the try does; the picture is being made all the same."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_\-]{0,199}")


class Over(Exception):
    """Raised when the provider says that a call will come to nothing: its handle is of no use any more."""

    def __init__(self, failure: TryFailed) -> None:
        super().__init__(failure.reason)
        self.failure = failure


class Queued(Remote):
    """One model of a provider with a queue."""

    async def _ask(self, request: Request, key: str) -> bytes:
        name, handle = self._model.name, request.handles.find(key)
        if handle:
            request.say(f"asking {name} for what it was told to paint")
        else:
            asked = await apart(self._body, request)
            request.say(f"asking {name}")
            handle = await self._begin(asked, request.deadline)
            if not _NAME.fullmatch(handle):
                nameless = f"{name} took the call and did not say what it is called."
                raise TryFailed("transient", nameless, sent=True)
            # Shielded: a worker that leaves in this moment has still told it.
            await asyncio.shield(request.handles.keep(key, handle))
            request.say(f"waiting for {name}")
        try:
            return await self._awaited(handle, request.deadline)
        except Over as over:
            await request.handles.forget()
            raise over.failure from None

    async def _awaited(self, handle: str, deadline: float) -> bytes:
        """The answer, however often one must ask; the deadline leaves the handle to the next try."""
        loop = asyncio.get_running_loop()
        polls, misses = self._endpoint.patience.polls, 0
        for pause in itertools.chain(polls, itertools.repeat(polls[-1])):
            if loop.time() + pause >= deadline:
                await asyncio.sleep(max(deadline - loop.time(), 0))
                break
            await asyncio.sleep(pause)
            try:
                answer = await self._look(handle, deadline)
            except TryFailed as failure:
                misses += 1
                if failure.error_class != "transient" or misses >= MISSES:
                    raise
                continue
            if answer is not None:
                return answer
            misses = 0
        seconds = f"{self._model.timeout_seconds:g} s"
        raise TryFailed("transient", f"{self._model.name} did not answer within {seconds}.")

    def _status(self, found: Mapping[str, object]) -> str:
        """What an answer says of the call; what says nothing was not the provider's answer."""
        status = found.get("status")
        if not isinstance(status, str):
            raise TryFailed("transient", f"{self._model.name} says nothing that can be read of the call.")
        return status

    def _known(self, answer: Answer) -> Answer:
        """The answer to a question for a call; one that the provider has forgotten is over."""
        if answer.status in (404, 410):
            forgotten = f"{self._model.name} no longer knows the call that it took on."
            raise Over(TryFailed("transient", forgotten))
        return self._endpoint.good(answer)

    @abstractmethod
    def _body(self, request: Request) -> bytes:
        """The request, for a thread to write."""

    @abstractmethod
    async def _begin(self, asked: bytes, deadline: float) -> str:
        """What the provider calls the call; empty if it does not say."""

    @abstractmethod
    async def _look(self, handle: str, deadline: float) -> bytes | None:
        """The whole answer, None while there is none; raises Over if there will be none."""
