"""How one provider speaks: its addresses, where it wants the key, and the words of its errors."""

import base64
import json
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from tests.provider.call import Call, Place

if TYPE_CHECKING:
    from tests.provider.server import FakeProvider


@dataclass(frozen=True)
class Answer:
    """What is answered, if nothing goes wrong on the way."""

    content: bytes
    type: str = "application/json"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Route:
    """An address of a provider; a path as aiohttp writes it."""

    method: str
    path: str
    place: Place
    handler: Callable[[Call], Awaitable[Answer]]
    is_queued: bool = False
    """Whether what comes of it is said later, to another request."""


class Refused(Exception):
    """Raised by a handler that does not like a request; answered in the dialect's words."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status
        self.words = words


class Dialect(ABC):
    """One provider's way to speak, on a server that it shares with the others."""

    name: ClassVar[str]

    def __init__(self, server: "FakeProvider") -> None:
        self.server = server

    @property
    @abstractmethod
    def routes(self) -> list[Route]:
        """Where it is called, and for what."""

    @abstractmethod
    def error(self, status: int, words: str, wait: float | None = None) -> dict[str, Any]:
        """The body of a refusal; `wait` are the seconds after which to ask again."""

    def key(self, call: Call) -> str | None:
        """The key that a request carries where this provider looks for it."""
        scheme, _, key = call.headers.get("Authorization", "").partition(" ")
        return key if scheme == "Bearer" else None

    def moderated(self) -> Answer:
        """How it says that it does not paint such things."""
        return answered(self.error(400, "Your request was rejected by the safety system."), 400)


def answered(body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """An answer in JSON."""
    return Answer(json.dumps(body).encode(), status=status, headers=headers or {})


def again(wait: float | None) -> str:
    """The words of those who say only in a sentence for how long they want no calls."""
    return "" if wait is None else f" Please try again in {wait:g}s."


def required(found: Mapping[str, object], *names: str) -> None:
    """Refuse a request that lacks a field."""
    for name in names:
        if not found.get(name):
            raise Refused(422, f"{name}: Field required")


def encoded(server: "FakeProvider", picture: bytes) -> str:
    """A picture in base64, in the alphabet that the server uses now."""
    if server.fault.is_now("base64url"):
        return base64.urlsafe_b64encode(picture).decode()
    if server.fault.is_now("bad base64"):
        return "AAAA*?AAAA"
    return base64.b64encode(picture).decode()
