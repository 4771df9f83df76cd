"""A posted frame is taken at its address once, and only with the bytes that are expected."""

import gzip
from collections.abc import AsyncIterator

import aiohttp
import pytest

from services.renderer.frame import BadFrame
from services.renderer.site import Site
from tests.renderer.bare import Bare
from tests.renderer.conftest import STUB

CONTENT = bytes(range(256)) * 4_096
PACKED = {"Content-Encoding": "gzip"}


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    opened = Site(STUB, Bare())
    await opened.open()
    yield opened
    await opened.close()


async def post(site: Site, path: str, content: bytes, headers: dict[str, str] | None = None) -> int:
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{site.origin}{path}", data=content, headers=headers) as answer,
    ):
        return answer.status


async def test_a_frame_is_taken_once(site: Site) -> None:
    expected = site.expect(7, len(CONTENT))
    assert await post(site, expected.path, CONTENT) == 204
    assert expected.content.result() == CONTENT
    assert await post(site, expected.path, CONTENT) == 404
    site.forget(expected)
    assert await post(site, expected.path, CONTENT) == 404


@pytest.mark.parametrize(
    ("content", "headers"),
    [
        (CONTENT[1:], None),
        (CONTENT + b"\0", None),
        (gzip.compress(CONTENT), PACKED),
        (gzip.compress(b""), PACKED),
    ],
    ids=["shorter", "longer", "longer when unpacked", "empty when unpacked"],
)
async def test_a_frame_of_another_size_is_refused(
    site: Site, content: bytes, headers: dict[str, str] | None
) -> None:
    expected = site.expect(7, len(content) if headers else len(CONTENT))
    assert await post(site, expected.path, content, headers) == 400
    assert isinstance(expected.content.exception(), BadFrame)
