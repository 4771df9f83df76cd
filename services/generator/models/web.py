"""The generator's way to the outside: one client session for providers, one for the pictures they point at.

The second one never carries a key, and goes to public addresses only: the address of a picture is the
word of a stranger, and must not become a way into the network that this process runs in.
"""

import asyncio
import ipaddress
import socket
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from services.task import TryFailed

BODY_LIMIT_BYTES = 32 << 20
CONNECT_SECONDS = 10.0
FETCH_PAUSES = (1.0, 3.0, 6.0)
"""Seconds between tries to get a picture that has been made, and paid for, but is not served yet."""


class PrivateAddress(OSError):
    """Raised when the address of a picture leads into a private network."""


class Web:
    """Opened on first use, closed with the process."""

    def __init__(self, fetch_pauses: tuple[float, ...] = FETCH_PAUSES) -> None:
        self._provider: aiohttp.ClientSession | None = None
        self._public: aiohttp.ClientSession | None = None
        self._fetch_pauses = fetch_pauses

    def provider(self) -> aiohttp.ClientSession:
        """The session for addresses that stand in the configuration."""
        if self._provider is None:
            self._provider = aiohttp.ClientSession()
        return self._provider

    async def close(self) -> None:
        """Let go of every connection."""
        for session in (self._provider, self._public):
            if session is not None:
                await session.close()

    async def picture(self, address: str, *, seconds: float, private: bool) -> bytes:
        """The file at an address that a provider gave; `private` allows addresses of this network as well."""
        url = _checked(address, private)
        session = self.provider() if private else self._outside()
        status = 0
        for pause in (*self._fetch_pauses, None):
            try:
                async with session.get(url, allow_redirects=False, timeout=timeout(seconds)) as answer:
                    status = answer.status
                    if status == 200:
                        return await body(answer)
            except PrivateAddress as error:
                raise TryFailed("bad_image", str(error)) from error
            except (aiohttp.ClientError, TimeoutError) as error:
                if isinstance(error.__cause__, PrivateAddress):
                    raise TryFailed("bad_image", str(error.__cause__)) from error
                status = 0
            if pause is not None:
                await asyncio.sleep(pause)
        what = f"answered {status}" if status else "could not be reached"
        raise TryFailed("transient", f"The picture was made, but its address {what}.")

    def _outside(self) -> aiohttp.ClientSession:
        if self._public is None:
            connector = aiohttp.TCPConnector(resolver=_PublicResolver())
            self._public = aiohttp.ClientSession(connector=connector)
        return self._public


class _PublicResolver(AbstractResolver):
    """Looks names up and gives public addresses only; what it checks is what is then connected to."""

    def __init__(self) -> None:
        self._resolver = aiohttp.ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._resolver.resolve(host, port, family)
        for result in found:
            _refuse_private(result["host"])
        return found

    async def close(self) -> None:
        await self._resolver.close()


def timeout(seconds: float) -> aiohttp.ClientTimeout:
    """So long for everything, and ten seconds of it to connect."""
    return aiohttp.ClientTimeout(total=seconds, sock_connect=min(CONNECT_SECONDS, seconds))


async def body(answer: aiohttp.ClientResponse) -> bytes:
    """What was answered, as long as it is not more than a picture can be."""
    parts = bytearray()
    async for chunk in answer.content.iter_chunked(1 << 16):
        parts += chunk
        if len(parts) > BODY_LIMIT_BYTES:
            raise TryFailed("bad_image", f"The answer is larger than {BODY_LIMIT_BYTES >> 20} MiB.")
    return bytes(parts)


def is_loopback(url: URL) -> bool:
    """Whether an address is this machine's own."""
    host = url.host or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _checked(address: str, private: bool) -> URL:
    try:
        url = URL(address)
    except ValueError:
        raise TryFailed("bad_image", "The picture's address cannot be read.") from None
    if url.scheme not in ("http", "https") or not url.host:
        raise TryFailed("bad_image", "The picture's address is neither http nor https.")
    if not private:
        try:
            _refuse_private(url.host)
        except PrivateAddress as error:
            raise TryFailed("bad_image", str(error)) from error
    return url


def _refuse_private(host: str) -> None:
    try:
        address = ipaddress.ip_address(host.split("%")[0])
    except ValueError:
        return
    mapped: Any = getattr(address, "ipv4_mapped", None)
    if not (mapped or address).is_global or address.is_multicast:
        raise PrivateAddress("The picture's address lies in a private network, so it was not fetched.")
