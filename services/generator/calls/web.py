"""The generator's way to the outside: one client session for providers, one for the pictures they point at.

The second one never carries a key, and goes to public addresses only.
"""

import asyncio
import socket
from dataclasses import dataclass

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from services.generator.calls.address import PrivateAddress, refuse_private
from services.task import TryFailed

BODY_LIMIT_BYTES = 32 << 20
BUFFER_BYTES = 1 << 19
"""What may arrive before it is asked for: with less, reading stops and begins anew at each piece."""


@dataclass(frozen=True)
class Patience:
    """How long a call waits for what, in seconds; the model's own timeout ends all of it."""

    connect: float = 10.0
    silence: float = 30.0
    """In the midst of an answer, and before one that is not painted first."""
    polls: tuple[float, ...] = (0.25, 0.5, 1.0, 2.0, 3.0)
    """Between questions whether a picture is done; the last goes on."""
    fetches: tuple[float, ...] = (1.0, 3.0, 6.0)
    """Between tries to get a picture that has been made, and paid for, but is not served yet."""


class Web:
    """Opened on first use, closed with the process."""

    def __init__(self, patience: Patience | None = None) -> None:
        self.patience = patience or Patience()
        self._provider: aiohttp.ClientSession | None = None
        self._public: aiohttp.ClientSession | None = None

    def provider(self) -> aiohttp.ClientSession:
        """The session for addresses that stand in the configuration."""
        if self._provider is None:
            self._provider = _session(None)
        return self._provider

    def outside(self) -> aiohttp.ClientSession:
        """The session for addresses that somebody else gave: it reaches public ones only."""
        if self._public is None:
            self._public = _session(_PublicResolver())
        return self._public

    async def close(self) -> None:
        """Let go of every connection."""
        for session in (self._provider, self._public):
            if session is not None:
                await session.close()

    async def picture(self, url: URL, *, deadline: float, private: bool) -> bytes:
        """The file at an address that was found good; `private` allows addresses of this network as well.

        A provider may take seconds to serve what it has announced, and says 403 or 404 until then.
        """
        session = self.provider() if private else self.outside()
        what = "could not be reached"
        for pause in (*self.patience.fetches, None):
            try:
                async with session.get(url, allow_redirects=False, timeout=self.timeout(deadline)) as answer:
                    if answer.status == 200:
                        return await self.body(answer)
                    what = f"answered {answer.status}"
                    if 300 <= answer.status < 400:
                        raise TryFailed(
                            "rejected",
                            "The picture was made, but its address redirects, which is not followed.",
                            retry=False,
                        )
            except PrivateAddress as error:
                raise TryFailed("bad_image", str(error)) from error
            except aiohttp.InvalidURL:
                raise TryFailed("bad_image", "The picture's address cannot be read.") from None
            except (aiohttp.ClientError, TimeoutError) as error:
                if isinstance(error.__cause__, PrivateAddress):
                    raise TryFailed("bad_image", str(error.__cause__)) from error
                what = "could not be reached"
            left = deadline - asyncio.get_running_loop().time()
            if pause is None or left <= pause:
                break
            await asyncio.sleep(pause)
        raise TryFailed("transient", f"The picture was made, but its address {what}.")

    def timeout(self, deadline: float, *, silence: float | None = None) -> aiohttp.ClientTimeout:
        """Until the deadline for everything; of it so long to connect, and for each answer to begin."""
        left = max(deadline - asyncio.get_running_loop().time(), 0.001)
        silence = self.patience.silence if silence is None else silence
        return aiohttp.ClientTimeout(
            total=left, sock_connect=min(self.patience.connect, left), sock_read=min(silence, left)
        )

    async def body(self, answer: aiohttp.ClientResponse) -> bytes:
        """What was answered, as long as it is not more than a picture can be; unpacked, if it was packed."""
        parts: list[bytes] = []
        size = 0
        while True:
            async with asyncio.timeout(self.patience.silence):
                part = await answer.content.readany()
            if not part:
                return b"".join(parts)
            parts.append(part)
            size += len(part)
            if size > BODY_LIMIT_BYTES:
                # What is still to come is not waited for.
                answer.close()
                raise TryFailed("bad_image", f"The answer is larger than {BODY_LIMIT_BYTES >> 20} MiB.")


class _PublicResolver(AbstractResolver):
    """Looks names up and gives public addresses only; what it checks is what is then connected to."""

    def __init__(self) -> None:
        self._resolver = aiohttp.ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._resolver.resolve(host, port, family)
        for result in found:
            refuse_private(result["host"])
        return found

    async def close(self) -> None:
        await self._resolver.close()


def _session(resolver: AbstractResolver | None) -> aiohttp.ClientSession:
    # The keeper says how many calls there are at once. Cookies are nobody's business, and proxies of the
    # environment would be shown the key.
    connector = aiohttp.TCPConnector(limit=0, resolver=resolver)
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
        read_bufsize=BUFFER_BYTES,
    )
