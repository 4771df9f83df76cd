"""Tile images: named by version, kept for as long as they are true, put together from afar."""

import hashlib
import io

import pytest
from PIL import Image

from services.gateway.pyramid import Overview, compose
from services.gateway.shelf import Picture, Shelf
from tests.gateway.house import House, settled
from tests.gateway.painter import CORNER, colour, png

FOREVER = "public, max-age=31536000, immutable"


def image(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))


async def filled(house: House, rectangle: list[int]) -> dict[tuple[int, int], int]:
    """Fill a rectangle and give the versions that stand then."""
    _, answer = await house.post("/api/fill", {"rectangle": rectangle})
    await settled(house, answer["plan"])
    _, view, _ = await house.get("/api/map?x0=-100&y0=-100&x1=100&y1=100")
    return {(t["x"], t["y"]): t["version"] for t in view["tiles"] if t["layer"] == "generation"}


async def test_a_quadrant_is_served_as_it_was_committed(busy_house: House) -> None:
    versions = await filled(busy_house, [-1, 0, 0, 1])
    for layer in ("generation", "render"):
        status, body, headers = await busy_house.picture(f"/tiles/{layer}/0/-1/1")
        assert (status, headers["Content-Type"]) == (200, "image/png")
        assert body == png(layer, -1, 1)
        assert headers["ETag"] == f'"{hashlib.sha256(body).hexdigest()}"'
        assert headers["Cache-Control"] == "no-cache"

    path = f"/tiles/generation/0/-1/1?v={versions[-1, 1]}"
    status, body, headers = await busy_house.picture(path)
    assert (status, body) == (200, png("generation", -1, 1))
    assert headers["Cache-Control"] == FOREVER
    etag = headers["ETag"]

    status, body, headers = await busy_house.picture(path, If_None_Match=f'"other", {etag}')
    assert (status, body, headers["ETag"]) == (304, b"", etag)
    assert headers["Cache-Control"] == FOREVER
    status, body, _ = await busy_house.picture("/tiles/generation/0/-1/1", If_None_Match=etag)
    assert (status, body) == (304, b"")
    status, _, _ = await busy_house.picture(path, If_None_Match='"other"')
    assert status == 200


async def test_a_version_is_served_at_its_own_place_alone(busy_house: House) -> None:
    versions = await filled(busy_house, [0, 0, 1, 1])
    version = versions[0, 0]
    for path in (f"/tiles/generation/0/1/0?v={version}", f"/tiles/render/0/0/0?v={version}"):
        status, _, _ = await busy_house.picture(path)
        assert status == 404
    for path in ("/tiles/generation/0/9/9?look=1", "/tiles/render/3/9/9?look=1"):
        status, body, _ = await busy_house.picture(path)
        assert (status, body) == (204, b"")


async def test_overviews_show_every_quadrant_in_its_place(busy_house: House) -> None:
    versions = await filled(busy_house, [-2, -1, 3, 2])
    for z, x, y in ((1, -1, -1), (1, 0, 0), (2, 0, 0), (2, -1, 0), (3, 0, 0), (8, 0, 0), (8, -1, -1)):
        status, body, headers = await busy_house.picture(f"/tiles/generation/{z}/{x}/{y}")
        assert (status, headers["Cache-Control"]) == (200, "no-cache")
        picture = image(body)
        assert (picture.size, picture.mode) == ((512, 512), "RGBA")
        side = 512 >> z
        for i in range(min(1 << z, 8)):
            for j in range(min(1 << z, 8)):
                # Look where the map is: from the tile's corner that lies at the origin.
                column = i if x >= 0 else (1 << z) - 1 - i
                row = j if y >= 0 else (1 << z) - 1 - j
                cell = ((x << z) + column, (y << z) + row)
                last = picture.getpixel((column * side + side - 1, row * side + side - 1))
                expected = (*colour("generation", *cell), 255) if cell in versions else (0, 0, 0, 0)
                assert last == expected, f"{cell} at {z}"
                if cell in versions and z <= 3:
                    white = picture.getpixel((column * side + (CORNER >> z) - 1, row * side))
                    assert white == (255, 255, 255, 255)


async def test_an_overview_is_kept_for_ever_under_its_newest_version_and_count(busy_house: House) -> None:
    versions = await filled(busy_house, [0, 0, 2, 2])
    newest = max(versions.values())
    blend = Overview("generation", 2, 0, 0, versions).blend
    status, body, headers = await busy_house.picture(f"/tiles/generation/2/0/0?v={newest}&n=9&b={blend}")
    assert (status, headers["Cache-Control"]) == (200, FOREVER)
    # A quadrant that was taken off the map leaves the newest version as it was: the count tells. So does
    # one that went back to an older version: the blend tells.
    for edition in (
        f"v={newest + 999}&n=9&b={blend}",
        f"v={newest}&n=10&b={blend}",
        f"v={newest}&n=9&b={blend ^ 1}",
        f"v={newest}&n=9",
        f"v={newest}",
        f"n=9&b={blend}",
    ):
        _, same, other = await busy_house.picture(f"/tiles/generation/2/0/0?{edition}")
        assert (same, other["Cache-Control"]) == (body, "no-cache")
    status, empty, _ = await busy_house.picture("/tiles/generation/2/0/0", If_None_Match=headers["ETag"])
    assert (status, empty) == (304, b"")
    # Something new in the area is a new picture under a new name.
    grown = await filled(busy_house, [6, 0, 7, 1])
    assert max(grown.values()) > newest
    status, wider, headers_now = await busy_house.picture("/tiles/generation/3/0/0")
    assert status == 200
    status, unchanged, _ = await busy_house.picture("/tiles/generation/2/0/0", If_None_Match=headers["ETag"])
    assert (status, unchanged) == (304, b"")
    assert headers_now["ETag"] != headers["ETag"]
    assert image(wider).getpixel((7 * 64 + 60, 60))[3] == 255


async def test_an_overview_is_served_however_many_jobs_are_open(busy_house: House) -> None:
    await filled(busy_house, [0, 0, 1, 1])
    await busy_house.post("/api/queue/pause")
    for i in range(10):
        quadrants = [[64 * (i % 4) + x, 64 * (1 + i // 4) + y] for x in range(64) for y in range(64)]
        status, _ = await busy_house.post("/api/render", {"quadrants": quadrants})
        assert status == 202
    status, refusal, _ = await busy_house.get("/api/map?x0=0&y0=0&x1=255&y1=255")
    assert (status, refusal["error"]["code"]) == (413, "TOO_LARGE")
    status, body, _ = await busy_house.picture("/tiles/generation/8/0/0")
    assert status == 200
    assert image(body).getpixel((1, 1)) == (*colour("generation", 0, 0), 255)


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_averages_mix_colours_but_never_with_nothing(mode: str) -> None:
    checks = Image.new(mode, (512, 512), (0, 0, 0, 255)[: len(mode)])
    for x in range(0, 512, 2):
        for y in range(512):
            checks.putpixel((x + y % 2, y), (200, 100, 50, 255)[: len(mode)])
    file = io.BytesIO()
    checks.save(file, "PNG")
    picture = image(compose([(1, 0, file.getvalue())]))
    assert picture.getpixel((256, 0)) == (100, 50, 25, 255)
    assert picture.getpixel((511, 255)) == (100, 50, 25, 255)
    assert picture.getpixel((255, 0)) == (0, 0, 0, 0)
    assert picture.getpixel((256, 256)) == (0, 0, 0, 0)


def test_children_share_the_ground_among_them() -> None:
    versions = {(x, y): 100 + x for x in (-4, -1, -2) for y in (-3, -1)}
    overview = Overview("render", 2, -1, -1, versions)
    children = {(column, row): child for column, row, child in overview.children()}
    assert set(children) == {(0, 0), (0, 1), (1, 0), (1, 1)}
    assert children[0, 0].versions == {(-4, -3): 96}
    assert children[1, 1].versions == {(-1, -1): 99, (-2, -1): 98}
    assert (children[1, 0].x, children[1, 0].y, children[1, 0].z) == (-1, -2, 1)
    assert overview.newest == 99


def test_the_shelf_keeps_what_was_used_last_and_no_more_than_it_may() -> None:
    shelf = Shelf(limit_bytes=100)
    for name in "abc":
        shelf.put(name, Picture(name, bytes(40)))
        shelf.get("a")
    assert shelf.get("a") is not None
    assert shelf.get("b") is None
    assert shelf.size == 80
    shelf.put("a", Picture("a", bytes(10)))
    assert shelf.size == 50


def test_the_blend_is_what_the_document_says_and_the_studio_computes() -> None:
    # Taken from the same sums in JavaScript.
    told = {(1,): 1561565218, (2**40 + 5,): 3606434738, (7, 8): 1164531640, (5, 8): 3165058795}
    for versions, blend in told.items():
        cells = {(x, 0): version for x, version in enumerate(versions)}
        assert Overview("generation", 1, 0, 0, cells).blend == blend
