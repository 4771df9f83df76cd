"""The keeper is told at once when a worker's process has ended, and nothing waits for that."""

import asyncio
import os
import signal
from pathlib import Path

import pytest
import zmq

from protocol.control import CONTROL, Changed
from protocol.order import WorkerGone
from services.actor import Letter, Mailbox
from services.supervision import notice
from services.supervision.notice import worker_gone
from tests.supervisor.stage import Stage, until


def test_the_end_of_every_worker_is_told_and_of_nobody_else(stage: Stage) -> None:
    stage.script(keeper={"hears": True})
    stage.up().ready()
    for name in ("gateway", "generator-1", "renderer-1"):
        os.kill(stage.service(name)["pid"], signal.SIGKILL)
    until("both to be told", lambda: sorted(stage.lines("gone")) == ["generator-1", "renderer-1"])
    until("the gateway's start", lambda: stage.lines("starts").count("gateway") == 2)
    stage.ready()
    stage.scale("generator", 0)
    until("the last to be told", lambda: stage.lines("gone").count("generator-1") == 2)
    assert "gateway" not in stage.lines("gone")


def test_a_keeper_that_does_not_answer_delays_no_restart(stage: Stage) -> None:
    stage.settings["services"] = {"renderer": 0, "generator": 1}
    stage.script(keeper={"hears": False})
    stage.up().ready()
    os.kill(stage.service("generator-1")["pid"], signal.SIGKILL)
    until("it to be told", lambda: stage.lines("gone"))
    until("a restart", lambda: stage.service("generator-1")["restarts"] == 1)
    stage.in_state("generator-1", "ready")


async def test_nobody_is_told_once_a_successor_lives(short: Path) -> None:
    assert not await worker_gone(f"ipc://{short}/control", "generator-1", lambda: True)


async def test_a_keeper_that_starts_again_is_told_when_it_is_back(
    short: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notice, "LIMIT_SECONDS", 60.0)
    heard: list[str] = []

    def on_batch(letters: list[Letter]) -> None:
        for letter in letters:
            assert isinstance(letter.envelope.body, WorkerGone)
            heard.append(letter.envelope.body.name)
            letter.reply(Changed(jobs=1))

    telling = asyncio.create_task(worker_gone(f"ipc://{short}/control", "renderer-1", lambda: False))
    await asyncio.sleep(0.2)
    assert not telling.done()
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    mailbox = Mailbox(context, f"ipc://{short}/control", CONTROL, on_batch)
    mailbox.open()
    assert await telling
    assert heard == ["renderer-1"]
    mailbox.close()
    context.term()
