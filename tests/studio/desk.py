"""A person at the studio: one browser page, and what they do and see there."""

import io
import re
from typing import Any

from PIL import Image
from playwright.async_api import Locator, Page, expect

from tests.gateway.house import until

QUADRANT_PX = 128
"""At zoom -2, which these tests look at."""
HOME = "#-2/0/0"
PATIENCE_MS = 60_000

PICTURED = """async () => {
    const view = await (await fetch("/api/map?x0=-200&y0=-200&x1=200&y1=200")).json();
    const shown = [...document.querySelectorAll("img[data-tile^='generation/']")];
    const scattered = (version) => {
        let bits = Math.imul(version, 0x9e3779b1);
        bits = Math.imul(bits ^ (bits >>> 15), 0x85ebca77);
        return bits ^ (bits >>> 13);
    };
    const isTrue = (one) => {
        const [, z, x, y] = one.dataset.tile.split("/").map(Number);
        const stands = view.tiles.filter((t) => t.layer === "generation" && t.x >> z === x && t.y >> z === y);
        const newest = Math.max(...stands.map((t) => t.version));
        const blend = stands.reduce((sum, t) => (sum + scattered(t.version)) | 0, 0) >>> 0;
        const edition = z > 0 ? `?v=${newest}&n=${stands.length}&b=${blend}` : `?v=${newest}`;
        return one.complete && one.naturalWidth === 512 && new URL(one.src).search === edition;
    };
    const addresses = shown.map((one) => one.src.slice(location.origin.length));
    return shown.length > 0 && shown.every(isTrue) ? addresses : null;
}"""
"""The pictures on the map by address, if each one is of the versions that the server names; else null."""

expect.set_options(timeout=PATIENCE_MS)


class Desk:
    """One page; places are given as quadrants."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.address = address
        self.errors: list[str] = []
        page.set_default_timeout(PATIENCE_MS)
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    async def open(self, place: str = HOME) -> "Desk":
        """Load the studio and wait until it knows the map."""
        await self.page.goto(f"{self.address}/{place}")
        await self.page.wait_for_selector(".studio[data-loaded=true]")
        return self

    async def spot(self, x: int, y: int) -> tuple[float, float]:
        """The middle of a quadrant on the screen, the view being at home."""
        box = await self.page.locator(".map").bounding_box()
        assert box is not None
        middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        return middle[0] + (x + 0.5) * QUADRANT_PX, middle[1] + (y + 0.5) * QUADRANT_PX

    async def drag(self, first: tuple[int, int], last: tuple[int, int]) -> None:
        """Select from one quadrant to another."""
        mouse = self.page.mouse
        await mouse.move(*await self.spot(*first))
        await mouse.down()
        await mouse.move(*await self.spot(*last), steps=4)
        await mouse.up()
        await expect(self.page.locator(".action-bar")).to_be_visible()

    async def pick(self, model_id: str) -> None:
        """Choose a model in the top bar."""
        await self.page.click("[data-open=model]")
        await self.page.click(f'[data-model="{model_id}"]')

    async def act(self, name: str) -> None:
        """Press a button by what it does."""
        await self.page.click(f'[data-act="{name}"] >> visible=true')

    def quadrant(self, x: int, y: int) -> Locator:
        """The words that stand for a quadrant in view."""
        return self.page.locator(f'[data-quadrant="{x},{y}"]')

    async def sees(self, x: int, y: int, state: str) -> None:
        """Wait until a quadrant is in a state."""
        await expect(self.quadrant(x, y)).to_have_attribute("data-state", state)

    async def sees_all(self, cells: list[tuple[int, int]], state: str) -> None:
        """Wait until all the quadrants are in a state."""
        for x, y in cells:
            await self.sees(x, y, state)

    async def pictured(self) -> list[str]:
        """The addresses of the pictures of generations on the map, once each shows what the server has."""

        async def look() -> list[str] | None:
            found: list[str] | None = await self.page.evaluate(PICTURED)
            return found

        return sorted(await until(look, "the pictures on the map to be what the server has"))

    async def pixel(self, x: int, y: int) -> tuple[int, ...]:
        """The colour in a quadrant as it is seen, off the middle, where the tags stand."""
        return (await self.pixels(x, y))[0]

    async def pixels(self, x: int, y: int, count: int = 24) -> list[tuple[int, ...]]:
        """Some pixels side by side in the lower part of a quadrant."""
        px, py = await self.spot(x, y)
        clip = {"x": px, "y": py + QUADRANT_PX / 4, "width": count, "height": 1}
        with Image.open(io.BytesIO(await self.page.screenshot(clip=clip))) as picture:
            row = picture.convert("RGB")
            return [row.getpixel((i, 0)) for i in range(row.width)]

    async def states(self) -> dict[str, Any]:
        """Every quadrant in view that is not empty, with its state and versions."""
        return dict(
            await self.page.eval_on_selector_all(
                "[data-quadrant]",
                """(all) => all.map(({dataset: d}) => [d.quadrant, [d.state, d.render, d.generation]])""",
            )
        )

    async def kept(self) -> list[object]:
        """What the browser was made to remember."""
        stored: list[object] = await self.page.evaluate(
            "() => [...Object.keys(localStorage), ...Object.keys(sessionStorage)]"
        )
        return [*stored, *await self.page.context.cookies()]

    async def headline(self, text: str) -> None:
        """Wait for the queue's headline."""
        await expect(self.page.locator("[data-headline]")).to_have_text(re.compile(text))
