"""A file from a server: whole, or a fault with the address and the reason, in which no key stands."""

import aiohttp
from yarl import URL

from services.renderer.sources.source import SourceFault

TIMEOUT_SECONDS = 8.0
"""For one file, waiting for its turn included: the page has the patience of a frame for all of them."""
AT_ONCE = 12
LARGEST = 256 << 20
REFUSED = (401, 403)


class Refusal(SourceFault):
    """Raised when the server answered, but with another status than 200."""

    def __init__(self, address: str, status: int) -> None:
        super().__init__(address, _reason(status))
        self.status = status


class Downloads:
    """One connection pool; opened with the first file."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def get(self, url: str, address: str, token: str | None = None) -> bytes:
        """The file at the URL, called `address` in faults; raises SourceFault, or Refusal."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        try:
            asking = self._opened().get(URL(url, encoded=True), headers=headers, allow_redirects=False)
            async with asking as answer:
                if answer.status != 200:
                    raise Refusal(address, answer.status)
                return await _whole(answer, address)
        except TimeoutError:
            raise SourceFault(address, f"no answer within {TIMEOUT_SECONDS:g} s") from None
        except aiohttp.ClientPayloadError:
            raise SourceFault(address, "the answer was cut short") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            # Only the name of the error: its text may have the URL in it.
            raise SourceFault(address, f"it cannot be reached ({type(error).__name__})") from None

    async def close(self) -> None:
        """Give back the connections."""
        if self._session is not None:
            await self._session.close()

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=AT_ONCE),
                timeout=aiohttp.ClientTimeout(total=TIMEOUT_SECONDS),
                headers={"User-Agent": "Tilewright"},
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._session


async def _whole(answer: aiohttp.ClientResponse, address: str) -> bytes:
    parts, length = [], 0
    async for part in answer.content.iter_chunked(1 << 20):
        parts.append(part)
        length += len(part)
        if length > LARGEST:
            raise SourceFault(address, f"it is larger than {LARGEST >> 20} MiB")
    return b"".join(parts)


def _reason(status: int) -> str:
    if status in REFUSED:
        return f"the server refused the key (status {status}); look at scene.api_key in app_config.json"
    if status == 429:
        return "the server takes no more requests for now (status 429)"
    if 300 <= status < 400:
        return (
            f"the server points elsewhere (status {status}), and that is not followed; name the right address"
        )
    return f"the server answered with status {status}"
