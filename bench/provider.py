"""A remote model for measuring: speaks as Oxen does, waits, and answers each call with the same picture.

    python -m bench.provider SECONDS

Prints its address and serves until its standard input closes. It is a process of its own, and does as little
as it can, so that what is measured is the product and not the model.
"""

import asyncio
import base64
import json
import sys

import numpy as np
from aiohttp import web

from services.png import Prediction, png
from services.tiling.quadrant import WINDOW

PATH = "/api/ai/images/edit"


def picture() -> bytes:
    """A picture about as hard to pack as a painted one."""
    chance = np.random.default_rng(0)
    coarse = chance.integers(0, 200, (WINDOW // 8, WINDOW // 8, 3), np.uint8)
    fine = chance.integers(0, 8, (WINDOW, WINDOW, 3), np.uint8)
    return png(coarse.repeat(8, axis=0).repeat(8, axis=1) + fine, Prediction.ABOVE)


async def serve(seconds: float) -> None:
    """Answer every call `seconds` after it came."""
    encoded = base64.b64encode(picture()).decode()
    answer = json.dumps({"images": [{"b64_json": encoded}]}).encode()

    async def edit(request: web.Request) -> web.Response:
        await request.read()
        await asyncio.sleep(seconds)
        return web.Response(body=answer, content_type="application/json")

    app = web.Application(client_max_size=64 << 20)
    app.router.add_post(PATH, edit)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    print(f"http://{host}:{port}", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(serve(float(sys.argv[1])))
