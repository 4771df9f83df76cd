"""The endpoint of one model: every call to its provider is made here, with the key, in time and in bounds."""

import asyncio
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass

import aiohttp
from aiohttp.abc import AbstractStreamWriter
from yarl import URL

from services.generator.calls import encoded
from services.generator.calls.address import is_own, is_private, of_picture
from services.generator.calls.refusal import EXCERPT, failed, refusal, without_picture
from services.generator.calls.secret import Secret
from services.generator.calls.web import Web
from services.model import Model
from services.task import TryFailed

Sent = bytes | aiohttp.FormData
"""JSON, or a form."""
PIECE_BYTES = 1 << 17


@dataclass(frozen=True)
class Answer:
    """What a provider said."""

    status: int
    headers: Mapping[str, str]
    content: bytes


class _Once(aiohttp.BytesPayload):
    """JSON that is let go of when it is sent: many calls wait a long time, each with a megabyte or two."""

    def __init__(self, content: bytes) -> None:
        super().__init__(content, content_type="application/json")

    async def write_with_length(self, writer: AbstractStreamWriter, content_length: int | None) -> None:
        view = memoryview(self._value)[:content_length]
        # Of what does not fit into the socket the event loop makes a copy, so no more is given to it at once.
        for at in range(0, len(view), PIECE_BYTES):
            await writer.write(view[at : at + PIECE_BYTES])
        self._value = b""


class Endpoint:
    """Where a model is called. Redirects are not followed, and no other origin is ever sent the key."""

    def __init__(
        self, model: Model, web: Web, *, header: str = "Authorization", scheme: str = "Bearer "
    ) -> None:
        """The key goes in this header, after this word."""
        self.model = model
        self.base = URL(model.endpoint or model.made_by.endpoint or "")
        self.patience = web.patience
        self._web = web
        self._header, self._scheme = header, scheme
        key = model.key()
        self._key = Secret(key) if key else None

    def at(self, path: str) -> URL:
        """An address below the configured one; `path` begins with a slash, and may have a query."""
        below = URL(path)
        return self.base.with_path(self.base.path.rstrip("/") + below.path).with_query(below.query)

    def post(
        self, url: URL, data: Sent, *, deadline: float, headers: Mapping[str, str] | None = None
    ) -> Coroutine[None, None, Answer]:
        """What is answered to this when it has been painted: as late as the deadline."""
        # Not itself a coroutine, which would hold the megabytes of `data` until the picture is there.
        seconds = max(deadline - asyncio.get_running_loop().time(), 0.001)
        return self._good(self.ask("POST", url, data, deadline=deadline, headers=headers, silence=seconds))

    async def begin(
        self, url: URL, data: Sent, *, deadline: float, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """What is answered to this at once: that it will be painted."""
        return self.good(await self.ask("POST", url, data, deadline=deadline, headers=headers))

    async def get(self, url: URL, *, deadline: float, headers: Mapping[str, str] | None = None) -> Answer:
        """What is answered to a question."""
        return self.good(await self.ask("GET", url, deadline=deadline, headers=headers))

    def good(self, answer: Answer) -> Answer:
        """The answer, if its status says that all went well; raises TryFailed otherwise."""
        if not 200 <= answer.status < 300:
            raise self.refused(answer)
        return answer

    async def _good(self, asked: Coroutine[None, None, Answer]) -> Answer:
        return self.good(await asked)

    def refused(self, answer: Answer) -> TryFailed:
        """What an answer's status means for the try."""
        return refusal(self.model, answer.status, answer.headers, answer.content, secret=self._key)

    async def ask(
        self,
        method: str,
        url: URL,
        data: Sent | aiohttp.BytesPayload | None = None,
        *,
        deadline: float,
        headers: Mapping[str, str] | None = None,
        silence: float | None = None,
    ) -> Answer:
        """An answer of any status, of at most 32 MiB; raises TryFailed if none came, `sent` if it was asked.

        `silence` are the seconds until it must have begun; `deadline` is on the event loop's clock.
        """
        if self._key is None and (reason := self.model.why_keyless()):
            raise TryFailed("unavailable", reason, retry=False)
        if not is_own(url, self.base):
            raise ValueError(f"{url.origin()} is not the endpoint of {self.model.model_id}")
        web, status = self._web, 0
        if isinstance(data, bytes):
            data = _Once(data)
        try:
            async with web.provider().request(
                method,
                url,
                data=data,
                headers={**(headers or {}), **self._signed()},
                allow_redirects=False,
                timeout=web.timeout(deadline, silence=silence),
            ) as answer:
                status = answer.status
                content = await web.body(answer)
        except (TryFailed, TimeoutError, aiohttp.ClientError) as error:
            failure = error if isinstance(error, TryFailed) else self._unanswered(error, deadline)
            unheard = isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError)
            # A refusal costs nothing, also if it breaks off.
            failure.sent = not unheard and status < 300
            raise failure from None
        return Answer(status, answer.headers, content)

    def _unanswered(self, error: Exception, deadline: float) -> TryFailed:
        """Why no answer came, or not the whole of it."""
        name = self.model.name
        if isinstance(error, aiohttp.ConnectionTimeoutError):
            return TryFailed("transient", f"{name} could not be reached in time.")
        if isinstance(error, TimeoutError):
            if asyncio.get_running_loop().time() >= deadline - 0.01:
                seconds = f"{self.model.timeout_seconds:g} s"
                return TryFailed("transient", f"{name} did not answer within {seconds}.")
            return TryFailed("transient", f"{name} fell silent in the midst of a call.")
        what = self._hide(f"{type(error).__name__}: {error}")[:EXCERPT]
        return TryFailed("transient", f"{name} could not be reached: {what}.")

    async def picture(self, address: str, *, deadline: float) -> bytes:
        """The picture at an address, or in the data URI, that the provider gave; the key stays here."""
        if encoded.is_data_uri(address):
            return await encoded.picture(address, self.model.name)
        hosts = (*self.model.made_by.hosts, *self.model.result_hosts)
        url = of_picture(address, endpoint=self.base, hosts=hosts)
        private = is_own(url, self.base) or is_private(self.base)
        return await self._web.picture(url, deadline=deadline, private=private)

    def without_picture(self, content: bytes) -> TryFailed:
        """Why an answer that says that all went well holds no picture."""
        return without_picture(self.model, content, secret=self._key)

    def failed(self, said: str) -> TryFailed:
        """Why a call that the provider took on came to nothing, in its words."""
        return failed(self.model, said, secret=self._key)

    def _hide(self, text: str) -> str:
        return self._key.hide_in(text) if self._key is not None else text

    def _signed(self) -> Mapping[str, str]:
        return {self._header: self._scheme + self._key.reveal()} if self._key is not None else {}
