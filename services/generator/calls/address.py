"""Addresses: where this process may be sent by somebody else's word.

The address of a picture is the word of a stranger, and must not become a way into the network that this
process runs in.
"""

import ipaddress
import urllib.parse
from collections.abc import Iterable
from typing import Any

from yarl import URL

from services.task import TryFailed

PRIVATE = "The picture's address lies in a private network, so it was not fetched."


class PrivateAddress(OSError):
    """Raised when the address of a picture leads into a private network."""


def of_picture(address: str, *, endpoint: URL, hosts: Iterable[str]) -> URL:
    """The address of a picture, if it may be fetched; raises TryFailed otherwise.

    Pictures lie at the endpoint itself or on hosts that the provider or the configuration names: `host`,
    `host:port` or `*.domain`. Private addresses are for a private endpoint only.
    """
    try:
        url = URL(address)
        host, port = url.host or "", url.port
    except ValueError:
        raise TryFailed("bad_image", "The picture's address cannot be read.") from None
    if url.scheme not in ("http", "https") or not host:
        raise TryFailed("bad_image", "The picture's address is neither http nor https.")
    if is_own(url, endpoint):
        return url
    if not is_private(endpoint):
        try:
            refuse_private(host)
        except PrivateAddress as error:
            raise TryFailed("bad_image", str(error)) from None
    named = host if url.is_default_port() else f"{host}:{port}"
    if not any(_fits(named, allowed) for allowed in hosts):
        # Paid for, and kept: nobody asks anew, and it is fetched once the configuration allows it.
        raise TryFailed(
            "rejected",
            f"The picture was made, but lies on {named[:100]}, which is not allowed. Add it to the model's "
            "result_hosts in app_config.json if you trust it, then retry.",
            retry=False,
            keep=True,
        )
    return url


def is_own(url: URL, endpoint: URL) -> bool:
    """Whether an address is at the configured origin: the only one that gets a key."""
    return url.origin() == endpoint.origin()


def is_private(endpoint: URL) -> bool:
    """Whether an endpoint is this machine, or an address of this network."""
    host = endpoint.host or ""
    try:
        refuse_private(host)
    except PrivateAddress:
        return True
    return host == "localhost"


def refuse_private(host: str) -> None:
    """Raise PrivateAddress for an address that is not everybody's; a name passes, and is looked up later."""
    try:
        address = ipaddress.ip_address(host.split("%")[0])
    except ValueError:
        return
    mapped: Any = getattr(address, "ipv4_mapped", None)
    if not (mapped or address).is_global or address.is_multicast:
        raise PrivateAddress(PRIVATE)


def quoted(name: str) -> str:
    """A name as a part of a path: it adds no query and no fragment, but may have slashes."""
    return urllib.parse.quote(name, safe="/:@")


def _fits(named: str, allowed: str) -> bool:
    allowed = allowed.lower()
    return named.endswith(allowed[1:]) if allowed.startswith("*.") else named == allowed
