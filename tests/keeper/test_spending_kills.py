"""SIGKILL around the commits of a day with a budget: nothing is spent twice, and nothing uncounted."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import zmq

from protocol.message import Message
from protocol.work import Acked, Idle, Lease, Nack, Nacked, Ready
from services.config import Sockets
from tests.keeper.house import CONFIG, House, Peer, island, opened, result, until

TREE = Path(__file__).resolve().parents[2]
PRICE, BUDGET = 0.25, 1.1
MODEL = {"name": "P", "model_id": "plain", "provider": "oxen", "api_key": "literal", "cost_per_image": PRICE}
SETTINGS: dict[str, Any] = {
    **CONFIG,
    "models": [{**MODEL, "daily_budget": BUDGET}],
    "default_model_id": "plain",
}
# Commits since the start: a lease, a result, a lease, a refusal, and so on.
PLACES = [("before", 6), ("after", 1), ("after", 2), ("after", 4)]
MORE = [("before", 1), ("before", 2), ("before", 3), ("before", 4), ("after", 3), ("after", 6)]


class Mortal:
    """A keeper process that is killed once, and a worker that asks again until it is answered."""

    def __init__(self, data: Path, config: Path, crash: str) -> None:
        self._data, self._config = data, config
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.kills = 0
        self._start(crash)

    def _start(self, crash: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "services.keeper", "--config", self._config, "--data", self._data],
            env={**os.environ, "TILEWRIGHT_CRASH": crash},
            cwd=TREE,
            stderr=subprocess.DEVNULL,
        )

    def ask(self, body: Message, id: str, attachments: list[bytes] | None = None) -> Message:
        """The answer, in whichever life it comes."""
        peer = Peer(self._context, Sockets(self._data).address("work"))
        try:
            peer.send(body, attachments or [], id)
            until(lambda: peer.socket.poll(50) or self.process.poll() is not None, "an answer")
            if peer.socket.poll(0):
                return peer.hear().body
        finally:
            peer.socket.close()
        self.kills += 1
        self._start("")
        return self.ask(body, id, attachments)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self._context.destroy(linger=0)


@pytest.fixture
def world(short: Path) -> Iterator[House]:
    with opened(short, models=SETTINGS["models"]) as house:
        house.rendered(-4, -4, 94, 8)
        house.publish(*[island(10 * nth, 0, f"s{nth}") for nth in range(9)], id="p", cost_cap=9)
        house.close()
        yield house


@pytest.mark.parametrize(
    ("place", "nth"), [*PLACES, *(pytest.param(*more, marks=pytest.mark.chaos) for more in MORE)]
)
def test_a_kill_spends_nothing_twice(world: House, short: Path, place: str, nth: int) -> None:
    config = short / "config.json"
    config.write_text(json.dumps(SETTINGS))
    mortal = Mortal(world.data, config, f"{place}_commit:{nth}")
    calls = 0
    try:
        for turn in range(9):
            lease = mortal.ask(Ready(worker="w", kinds=["generate"]), f"r{turn}")
            if isinstance(lease, Idle):
                break
            assert isinstance(lease, Lease)
            if turn == 1:
                # Refused by the model before it cost anything.
                nack = Nack(job=lease.job, token=lease.token, error_class="moderated", reason="No.")
                assert isinstance(mortal.ask(nack, "n"), Nacked)
                continue
            calls += 1
            body, images = result(lease)
            made = body.made.model_copy(update={"calls": 1})
            assert isinstance(mortal.ask(body.model_copy(update={"made": made}), f"a{turn}", images), Acked)
    finally:
        mortal.close()
    assert (mortal.kills, calls) == (1, 4)
    assert world.select("SELECT spent FROM models") == [(pytest.approx(4 * PRICE),)]
    assert world.select(
        "SELECT total(cost), total(calls), total(reserved + presumed) FROM generation_queue"
    ) == [(pytest.approx(4 * PRICE), 4, 0)]
    assert world.select("SELECT reserved, capped FROM plans") == [(pytest.approx(0), "")]
