"""One JSON request over a loopback connection of its own; nothing that takes long to import."""

import asyncio
import json
from typing import Any
from urllib.parse import urlsplit

LIMIT_BYTES = 16 << 20


async def post(url: str, body: Any, *, seconds: float = 10.0) -> tuple[int, Any]:
    """Status and JSON of the answer; raises OSError or TimeoutError if there is none."""
    parts = urlsplit(url)
    content = json.dumps(body).encode()
    head = (
        f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(content)}\r\nConnection: close\r\n\r\n"
    )
    async with asyncio.timeout(seconds):
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port, limit=LIMIT_BYTES)
        try:
            writer.write(head.encode() + content)
            await writer.drain()
            answer = await reader.read(-1)
        finally:
            writer.close()
    top, found, rest = answer.partition(b"\r\n\r\n")
    if not found:
        raise ConnectionResetError("the answer was cut short")
    try:
        return int(top.split(b" ", 2)[1]), json.loads(rest)
    except ValueError:
        raise ConnectionResetError("the answer was cut short") from None
