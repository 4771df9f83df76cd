"""A whole world and its providers: keys go to them and nowhere else, and who wants a pause has it."""

import asyncio
import base64
import contextlib
import html
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import aiohttp
import psutil
import pytest

from services.config import Sockets
from services.supervision.environment import MARK
from tests.provider import FakeProvider, Fault
from tests.system.conftest import Founder
from tests.system.orders import SPACE, Orders, described
from tests.system.painter import Painter
from tests.system.tap import tapped
from tests.system.world import TREE, World, until

PAUSE_SECONDS = 2.0
MODELS: dict[str, Fault] = {
    "oxen": Fault("401"),
    "oxen-queue": Fault("403", at="fetch", times=1),
    "url": Fault("500"),
    "openai": Fault("429 date", times=1, seconds=PAUSE_SECONDS),
    "gemini": Fault("429 body", times=1, seconds=PAUSE_SECONDS),
    "replicate": Fault("failed"),
    "fal": Fault("429 seconds", times=1, seconds=PAUSE_SECONDS),
    "huggingface": Fault("hang", times=1),
}
"""By provider, and what goes wrong there; some of them repeat the key in what they say."""
COMPLETE = ("oxen-queue", "openai", "gemini", "fal", "huggingface")
LIMITED = ("openai", "gemini", "fal")
KEYS = {provider: f'CANARY-{number:x}7c1e/+"&-{provider}' for number, provider in enumerate(MODELS)}
"""With letters that JSON, HTML and addresses write otherwise."""
FORMS: dict[str, Callable[[str], str]] = {
    "as it is": lambda key: key,
    "in JSON": lambda key: json.dumps(key)[1:-1],
    "in an address": lambda key: quote(key, safe=""),
    "in an address, slashes kept": quote,
    "in HTML": html.escape,
    "in hex": lambda key: key.encode().hex(),
    "in base64": lambda key: _middle(key),
    "in base64, a byte on": lambda key: _middle(key[1:]),
    "in base64, two bytes on": lambda key: _middle(key[2:]),
}
"""As what a key may be written."""
PATHS = ("/", "/api/status", "/api/models", "/api/queue", "/api/plans", "/health", "/metrics")
PUBLISHED = "url"
"""Whose plan comes over the socket for programs; those of the others, by way of the gateway."""
HEARD = {
    "life": (b"beat", b"services", b"keeper", b"gateway", b"generator-1"),
    "work": (b"ready", b"lease", b"ack", b"nack", b"started", b"pixels", b"painter-1", b"generator-1"),
    "control": (b"watch", b"events", b"generate", b"status", b"job", b"plans", b"quadrant"),
    "ingest": (b"publish", b"accepted", b"handed-in"),
}
"""What must be among the messages of each socket, or the tap was not where it should be."""
COMMANDS: tuple[tuple[str, ...], ...] = (
    ("status",),
    ("status", "--json"),
    ("models",),
    ("queue", "list"),
    ("watch", "--json"),
    ("logs",),
)


async def test_a_key_is_nowhere_but_in_requests_to_its_provider(
    found: Founder, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with contextlib.AsyncExitStack() as stack:
        providers = {
            name: await stack.enter_async_context(FakeProvider(fault, key=KEYS[name]))
            for name, fault in MODELS.items()
        }
        models = [
            configured(name, provider.endpoint(name), number, monkeypatch)
            for number, (name, provider) in enumerate(providers.items())
        ]
        world = found(
            models=models,
            default_model_id="oxen",
            services={"renderer": 0, "generator": 0},
            max_attempts=2,
        )
        await asyncio.to_thread(world.start)
        taps = await tapped(world, stack)
        await stack.enter_async_context(Painter(world.data))
        scaled = await asyncio.to_thread(world.command, "scale", "generator", "2")
        assert scaled.returncode == 0, scaled.stderr
        await asyncio.to_thread(world.ready)
        shown = {"scale": scaled.stdout + scaled.stderr}

        orders = Orders(world, list(MODELS))
        # A generator ends in the midst of a call in a way that would leave its memory behind.
        await orders.order("huggingface")
        await providers["huggingface"].hears(1)
        for number in (1, 2):
            generator = await asyncio.to_thread(world.service, f"generator-{number}")
            os.kill(generator["pid"], signal.SIGABRT)
        for name in MODELS:
            if name not in ("huggingface", PUBLISHED):
                await orders.order(name)
        shown["publish"] = await published(world, orders)
        # Another worker is free for each of these, and must not call either.
        for name in LIMITED:
            await orders.refused(name, providers[name])
            await orders.order(name, row=1)
        jobs = await asyncio.to_thread(until, "every job over", orders.over)
        assert {job["model_id"] for job in jobs if job["state"] == "complete"} == set(COMPLETE)

        shown |= await answers(world, [job["job"] for job in jobs])
        for words in COMMANDS:
            said = await asyncio.to_thread(world.command, *words)
            shown[" ".join(words)] = said.stdout + said.stderr
        shown |= surroundings(world)
        nowhere(shown)
        found = files(world)
        assert {"tilewright.db", "tilewright.db-wal"} <= {path.name for path in found}
        assert {path.name for path in found} >= {
            f"{name}.log" for name in ("keeper", "gateway", "generator-1")
        }
        assert len({path for path in found if path.suffix == ".png"}) >= len(COMPLETE)
        nowhere({str(path): content for path, content in found.items()})
        assert await asyncio.to_thread(world.stop) == 0
        nowhere({str(path): content for path, content in files(world).items()})
        for tap in taps:
            whole = b"\n".join(tap.heard)
            assert [what for what in HEARD[tap.name] if what not in whole] == [], tap.name
            nowhere({f"{tap.name}, way {n}": bytes(heard) for n, heard in enumerate(tap.heard)})
        assert not [*TREE.glob("core*"), *world.data.rglob("core*")]
        for name in LIMITED:
            refused, *later = providers[name].asked()
            assert len(later) == 2
            assert all(call.at >= refused.at + PAUSE_SECONDS for call in later), name
        for name, provider in providers.items():
            for call in provider.calls:
                assert [of for of, key in KEYS.items() if call.holds(key)] == (
                    [] if call.place == "fetch" else [name]
                ), call.path


def configured(
    provider: str, endpoint: str, number: int, monkeypatch: pytest.MonkeyPatch
) -> dict[str, object]:
    """A model whose key is told in one of the three ways."""
    variable = f"TILEWRIGHT_TEST_KEY_{number}"
    told = (
        {"api_key": f"${{{variable}}}"},
        {"api_key_env": variable},
        {"api_key": KEYS[provider]},
    )[number % 3]
    if number % 3 != 2:
        monkeypatch.setenv(variable, KEYS[provider])
    return {**described(provider, endpoint), **told}


async def published(world: World, orders: Orders) -> str:
    """What is said to a program that hands in a plan of its own for one quadrant of a model's ground."""
    x, y = orders.place(PUBLISHED)
    step = {"id": "s", "quadrants": [[x, y]], "scaffold": [[x + 1, y], [x, y + 1], [x + 1, y + 1]]}
    plan = json.dumps({"id": "handed-in", "steps": [step]})
    said = await asyncio.to_thread(world.command, "publish", "-", "--model", PUBLISHED, given=plan)
    assert said.returncode == 0, said.stderr
    return said.stdout + said.stderr


async def answers(world: World, jobs: list[int]) -> dict[str, bytes]:
    """What HTTP says, of everything and of each job, and the beginning of the events."""
    paths = [*PATHS, *(f"/api/jobs/{job}" for job in jobs)]
    paths += [f"/api/quadrants/{number * SPACE}/0" for number in range(len(MODELS))]
    said: dict[str, bytes] = {}
    async with aiohttp.ClientSession(world.address) as session:
        for path in paths:
            async with session.get(path, raise_for_status=True) as answer:
                said[path] = await answer.read()
        async with session.get("/api/events", headers={"Last-Event-ID": "0"}) as answer:
            events = bytearray()
            async with asyncio.timeout(30):
                # Until the last failure is there.
                while events.count(b'"error"') < len(MODELS) - len(COMPLETE):
                    events += await answer.content.readany()
            said["/api/events"] = bytes(events)
    return said


def surroundings(world: World) -> dict[str, str]:
    """The environment of every process but the generators, and how every one was started.

    The supervisor itself has what it was started with; it is whoever starts it that put the keys there.
    """
    said: dict[str, str] = {}
    names: list[str] = []
    assert world.process is not None
    below = psutil.Process(world.process.pid).children(recursive=True)
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.AccessDenied, psutil.NoSuchProcess, psutil.ZombieProcess):
            mark = process.environ().get(MARK, "")
            if process in below or mark.startswith(Sockets(world.data).folder.name):
                names.append(mark.rpartition("/")[2])
                said[f"{mark} was started with"] = repr(process.cmdline())
                if not names[-1].startswith("generator"):
                    said[f"the environment of {mark}"] = repr(process.environ())
    assert {"keeper", "gateway", "generator-1", "generator-2"} <= set(names)
    return said


def files(world: World) -> dict[Path, bytes]:
    """The data folder, database, log and blobs included, and what the supervisor wrote."""
    paths = [path for path in world.data.rglob("*") if path.is_file()]
    assert {"tilewright.db"} <= {path.name for path in paths}
    return {path: path.read_bytes() for path in [*paths, world.config.parent / "up.out"]}


def nowhere(shown: dict[str, str] | dict[str, bytes] | dict[str, str | bytes]) -> None:
    """No key, in whole or in part, however it is written, is in any of it."""
    for where, what in shown.items():
        content = what if isinstance(what, bytes) else what.encode()
        assert b"7c1e/" not in content, f"{where}: {json.dumps(content[:2_000].decode('utf-8', 'replace'))}"
        for key in KEYS.values():
            found = [form for form, write in FORMS.items() if write(key).encode() in content]
            assert found == [], where


def _middle(key: str) -> str:
    """Base64 of whole groups of three bytes, which is the same whatever follows."""
    return base64.b64encode(key[: len(key) // 3 * 3].encode()).decode()
