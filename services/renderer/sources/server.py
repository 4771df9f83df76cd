"""Requests to a server: whatever goes wrong is a fault of an address that has no key in it."""

import contextlib
from collections.abc import AsyncIterator, Mapping

import aiohttp
from yarl import URL

from services.renderer.sources.packed import BadContent
from services.renderer.sources.source import SourceFault

TIMEOUT_SECONDS = 8.0
"""For one request, waiting for its turn included: the page has the patience of a frame for it."""
AT_ONCE = 12
REFUSED = (401, 403)
"""What says that it is the key that is not taken."""


class Refusal(SourceFault):
    """Raised when the server answered, but gives nothing."""

    def __init__(self, address: str, status: int) -> None:
        super().__init__(address, reason(status))
        self.status = status


class Server:
    """One session; it sends no cookies and follows nobody elsewhere."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Let the connections go."""
        if self._session is not None:
            await self._session.close()

    @contextlib.asynccontextmanager
    async def asked(
        self, url: str | URL, address: str, headers: Mapping[str, str]
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """The answer, while it is read; raises SourceFault for what happens until it is read to its end."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=AT_ONCE),
                timeout=aiohttp.ClientTimeout(total=TIMEOUT_SECONDS),
                headers={"User-Agent": "Tilewright"},
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        try:
            async with self._session.get(url, headers=headers, allow_redirects=False) as answer:
                yield answer
        except TimeoutError:
            raise SourceFault(address, f"no answer within {TIMEOUT_SECONDS:g} s") from None
        except aiohttp.ClientPayloadError:
            raise SourceFault(address, "the answer was cut short") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise SourceFault(address, f"it cannot be reached ({type(error).__name__})") from None
        except BadContent as error:
            raise SourceFault(address, str(error)) from None

    async def file(
        self, url: str, address: str, most: int, headers: Mapping[str, str] | None = None
    ) -> bytes:
        """A whole file, its URL encoded already; raises SourceFault, or Refusal."""
        async with self.asked(URL(url, encoded=True), address, headers or {}) as answer:
            if answer.status != 200:
                raise Refusal(address, answer.status)
            content = await read(answer, most + 1)
        if len(content) > most:
            raise SourceFault(address, f"it is larger than {most >> 20} MiB")
        return content


async def read(answer: aiohttp.ClientResponse, most: int) -> bytes:
    """The content, and no more of it than so many bytes."""
    parts, length = [], 0
    while length < most and (part := await answer.content.read(most - length)):
        parts.append(part)
        length += len(part)
    return b"".join(parts)


def reason(status: int, section: str = "scene") -> str:
    """Why an answer of this status gives nothing, as a clause; the section has the key."""
    if status in REFUSED:
        return f"the server refused the key (status {status}); look at {section}.api_key in app_config.json"
    if status == 429:
        return "the server takes no more requests for now (status 429)"
    if 300 <= status < 400:
        return (
            f"the server points elsewhere (status {status}), and that is not followed; name the right address"
        )
    return f"the server answered with status {status}"
