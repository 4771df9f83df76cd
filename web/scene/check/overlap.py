"""Draws overlapping rectangles through the scene page, counts pixels that differ, and times the draws.

python web/scene/check/overlap.py                       20 random overlaps, three browser launches
python web/scene/check/overlap.py --shot X Y W H PNG    one picture to look at
"""

import asyncio
import json
import random
import sys
import time
from pathlib import Path

import numpy as np
from aiohttp import web
from PIL import Image
from playwright.async_api import async_playwright

DIST = Path(__file__).resolve().parents[2] / "dist"
FLAGS = [
    "--no-sandbox",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--ignore-gpu-blocklist",
    "--disable-dev-shm-usage",
    "--disable-background-timer-throttling",
    "--disable-renderer-backgrounding",
    "--disable-background-networking",
]
PLANES = ("colour", "object", "depth")
SOURCE = {
    "name": "sample",
    "attribution": "© OpenStreetMap contributors",
    "zoom": 15,
    "tiles": [5237, 12665, 5239, 12667],
    "schema": "mapbox-streets",
    "layers": [],
    "reach": 0,
}
CAMERA = {
    "latitude": 37.7664,
    "longitude": -122.4481,
    "azimuth": -15.0,
    "elevation": -45.0,
    "metres_per_pixel": 0.29296875,
}
SETTINGS = (
    f"window.tilewrightSettings = {json.dumps({'camera': CAMERA, 'source': {'kind': 'san-francisco'}})}"
)


class Page:
    """One browser with the scene page open, and the server that it posts to."""

    async def open(self, playwright):
        self.frames, self.heard = asyncio.Queue(), set()
        app = web.Application(client_max_size=2**28)

        async def frame(request):
            self.frames.put_nowait(await request.read())
            return web.Response(text="ok")

        app.router.add_post("/frame", frame)
        app.router.add_get(
            "/settings.js", lambda _: web.Response(text=SETTINGS, content_type="text/javascript")
        )
        app.router.add_get("/source.json", lambda _: web.json_response(SOURCE))
        app.router.add_get(
            "/tiles/{tile:.+}",
            lambda asked: web.FileResponse(DIST / f"cities/sanfrancisco/{asked.match_info['tile']}.mvt"),
        )
        app.router.add_get("/", lambda _: web.FileResponse(DIST / "scene" / "index.html"))
        app.router.add_static("/", DIST / "scene")
        self.runner = web.AppRunner(app, access_log=None)
        await self.runner.setup()
        site = web.TCPSite(self.runner, "127.0.0.1", 0)
        await site.start()
        url = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}/"
        started = time.perf_counter()
        self.browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        self.page = await self.browser.new_page()
        self.page.on("console", self.hear)
        self.page.on("pageerror", lambda error: print("page error:", error))
        launched = time.perf_counter()
        await self.page.goto(url)
        self.info = await self.page.evaluate("tilewright.ready")
        self.launch_seconds, self.ready_seconds = launched - started, time.perf_counter() - launched
        return self

    def hear(self, message):
        """Prints what the page says, each thing once."""
        if message.text not in self.heard:
            self.heard.add(message.text)
            print("page:", message.text[:2000])

    async def draw(self, x, y, width, height):
        started = time.perf_counter()
        await self.page.evaluate(
            "r => tilewright.draw(r)",
            {"job": "check", "x": x, "y": y, "width": width, "height": height, "url": "/frame"},
        )
        planes = np.frombuffer(await self.frames.get(), np.uint8).reshape(3, height, width, 4)
        return planes, time.perf_counter() - started

    async def close(self):
        await self.browser.close()
        await self.runner.cleanup()


def overlap(a, b):
    x0, y0 = max(a[0], b[0]), max(a[1], b[1])
    x1, y1 = min(a[0] + a[2], b[0] + b[2]), min(a[1] + a[3], b[1] + b[3])
    return (x0, y0, x1, y1) if x1 > x0 and y1 > y0 else None


def differing(a, planes_a, b, planes_b):
    """Counts the pixels of two rectangles' overlap that differ, per plane."""
    x0, y0, x1, y1 = overlap(a, b)
    part_a, part_b = (
        planes[:, y0 - top : y1 - top, x0 - left : x1 - left]
        for (left, top, _, _), planes in [(a, planes_a), (b, planes_b)]
    )
    return np.any(part_a != part_b, axis=3).sum(axis=(1, 2)), (x1 - x0) * (y1 - y0)


async def check():
    rng = random.Random(7)
    async with async_playwright() as playwright:
        first = await Page().open(playwright)
        print(json.dumps(first.info))
        print(f"launch {first.launch_seconds:.2f} s, page and scene ready {first.ready_seconds:.2f} s")
        places = [(rng.randrange(-4000, 3000), rng.randrange(-3000, 2000)) for _ in range(10)]
        drawn, seconds = [], []
        for x, y in places:
            shifted = (x + rng.randrange(-700, 700), y + rng.randrange(-700, 700))
            for left, top, width, height in [
                (x, y, 1024, 1024),
                (*shifted, 1024, 1024),
                (x + 300, y + 200, 512, 300),
            ]:
                planes, took = await first.draw(left, top, width, height)
                drawn.append(((left, top, width, height), planes))
                if width == 1024:
                    seconds.append(took)
        for x, y in [(0, 0), (1024, 0), (0, 1024)]:  # neighbours in a grid, each with a halo
            drawn.append(((x - 64, y - 64, 1152, 1152), (await first.draw(x - 64, y - 64, 1152, 1152))[0]))
        median, worst = np.median(seconds) * 1000, max(seconds) * 1000
        print(f"draw, read and post 1024x1024 at new places: median {median:.0f} ms, worst {worst:.0f} ms")
        again = [(await first.draw(0, 0, 1024, 1024))[1] for _ in range(4)]
        print(f"the same place again: median {np.median(again) * 1000:.0f} ms")
        heap = await first.page.evaluate("performance.memory.usedJSHeapSize / 1e6")
        print(f"heap {heap:.0f} MB")
        await first.close()

        found, total, pairs, pixels = 0, np.zeros(3, int), 0, 0
        for i, (a, planes_a) in enumerate(drawn):
            for b, planes_b in drawn[:i]:
                if overlap(a, b):
                    counts, size = differing(a, planes_a, b, planes_b)
                    total, pairs, pixels = total + counts, pairs + 1, pixels + size
        print(
            f"one page: {pairs} overlaps, {pixels} pixels, differing",
            dict(zip(PLANES, total.tolist(), strict=True)),
        )

        found += total.sum()
        second = await Page().open(playwright)
        total, pairs = np.zeros(3, int), 0
        order = list(drawn)
        rng.shuffle(order)
        for (x, y, width, height), planes in order[:16]:
            a = (x + 77, y - 55, width, height)
            other, _ = await second.draw(*a)
            counts, _ = differing(a, other, (x, y, width, height), planes)
            total, pairs = total + counts, pairs + 1
        print(
            f"another browser, shifted, another order: {pairs} overlaps, differing",
            dict(zip(PLANES, total.tolist(), strict=True)),
        )
        await second.close()
        found += total.sum()

        started = time.perf_counter()
        third = await Page().open(playwright)
        await third.draw(0, 0, 1024, 1024)
        await third.close()
        print(f"launch, load, build, draw, close: {(time.perf_counter() - started) * 1000:.0f} ms")
        return found == 0


async def shot(x, y, width, height, path):
    async with async_playwright() as playwright:
        page = await Page().open(playwright)
        (colour, _, _), took = await page.draw(x, y, width, height)
        Image.fromarray(colour[..., :3]).save(path)
        _, warm = await page.draw(x, y, width, height)
        print(f"ready {page.ready_seconds:.2f} s, first draw {took:.2f} s, again {warm:.2f} s")
        await page.close()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--shot"]:
        asyncio.run(shot(*map(int, sys.argv[2:6]), sys.argv[6]))
    else:
        sys.exit(0 if asyncio.run(check()) else "Frames differ where they overlap.")
