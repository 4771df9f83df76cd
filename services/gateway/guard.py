"""The door: which requests come in at all, and what every answer carries."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from protocol.errors import Code, ProtocolError
from services.gateway.refusal import Refused, refusal, refused_by_http

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

LOCAL_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})
MOST_CONNECTIONS = 256
HEAD_SECONDS = 10.0
"""How long a new connection may take to send its first request's head."""

SECURITY_HEADERS = {
    # Leaflet places its tiles with inline styles; scripts come from us alone.
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; "
        "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "Server": "Tilewright",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}

log = logging.getLogger("gateway")


class Door:
    """Middlewares and limits. A bug in a handler is answered, then handed to `on_bug` to end the process."""

    def __init__(self, host: str, on_bug: Callable[[BaseException], None]) -> None:
        self._hosts = LOCAL_HOSTS | {host.strip("[]").lower()}
        self._on_bug = on_bug
        self._spoken: set[object] = set()
        self._server: web.Server | None = None
        self.middlewares = [self.answer_errors, self.check]

    @web.middleware
    async def answer_errors(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer every refusal in the same form."""
        try:
            return await handler(request)
        except ProtocolError as error:
            if request.method == "POST":
                log.info("POST %s refused: %s %s", request.path, error.code, error.message)
            return refusal(error)
        except web.HTTPException as error:
            if error.status < 400:
                raise
            return refusal(refused_by_http(error))
        except ConnectionError:
            # The browser has gone; there is nobody to answer.
            raise
        except Exception as error:
            self._on_bug(error)
            return refusal(ProtocolError(Code.UNAVAILABLE, "The gateway met a bug and starts again."))

    @web.middleware
    async def check(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Refuse what another site's page or a program that guesses could send."""
        self._spoken.add(request.protocol)
        if self._server is not None and len(self._server.connections) > MOST_CONNECTIONS:
            raise ProtocolError(Code.BUSY, f"More than {MOST_CONNECTIONS} connections are open.")
        host = request.headers.get("Host", "")
        # A page whose name was rebound to 127.0.0.1 still sends its own name here.
        if hostname(host) not in self._hosts:
            raise Refused(421, Code.FORBIDDEN, "This host name is not served here.")
        if "Content-Encoding" in request.headers:
            raise ProtocolError(Code.UNSUPPORTED_MEDIA, "Compressed requests are not taken.")
        origin = request.headers.get("Origin")
        if origin is not None and not _same(origin, host):
            raise ProtocolError(Code.FORBIDDEN, "Pages of another site may not ask here.")
        if request.method == "POST" and request.content_type != "application/json":
            raise ProtocolError(
                Code.UNSUPPORTED_MEDIA, "A POST carries JSON and says Content-Type: application/json."
            )
        return await handler(request)

    async def add_headers(self, request: web.Request, response: web.StreamResponse) -> None:
        """What every answer carries; answers are not kept unless their handler says so."""
        response.headers.update(SECURITY_HEADERS)
        response.headers.setdefault("Cache-Control", "no-store")

    async def watch(self, server: web.Server) -> None:
        """Close connections that were opened and then never asked for anything."""
        self._server = server
        loop = asyncio.get_running_loop()
        silent: dict[RequestHandler, float] = {}
        while True:
            await asyncio.sleep(1.0)
            connected = set(server.connections)
            self._spoken &= connected
            now = loop.time()
            silent = {one: silent.get(one, now) for one in connected - self._spoken}
            for connection, since in silent.items():
                if now - since > HEAD_SECONDS and connection.transport is not None:
                    connection.transport.abort()


class MalformedRequests(logging.Filter):
    """Requests that are not HTTP get one line without traceback, and at most one in ten seconds."""

    def __init__(self) -> None:
        super().__init__()
        self._last = float("-inf")

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the line is written."""
        if record.created - self._last < 10:
            return False
        self._last = record.created
        record.exc_info = None
        record.exc_text = None
        return True


def hostname(host: str) -> str:
    """The name in a Host header, without port and brackets; empty if it is none."""
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""


def _same(origin: str, host: str) -> bool:
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and parts.netloc.lower() == host.lower()
