"""Waiting for what nobody tells of."""

import asyncio
from collections.abc import Callable


async def until(what: str, true: Callable[[], bool], seconds: float = 30.0) -> None:
    """Wait until it is true; fails with what was waited for."""
    try:
        async with asyncio.timeout(seconds):
            while not true():  # noqa: ASYNC110 - processes do not tell us when they change
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"{what}: not within {seconds:g} s") from None
