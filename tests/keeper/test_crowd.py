"""More connections than a shell usually lets a program have file descriptors."""

import json
import resource
import signal
import subprocess
import sys
from pathlib import Path

import zmq

from protocol.message import Ping, Pong
from services.config import Sockets
from tests.keeper.house import CONFIG, Peer

TREE = Path(__file__).resolve().parents[2]
USUAL = 96


def test_a_crowd_larger_than_the_usual_limit_is_served(short: Path) -> None:
    """F37: libzmq would end the keeper at the first connection that it has no descriptor for."""
    data, config = short / "d", short / "config.json"
    config.write_text(json.dumps(CONFIG))
    allowed = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    keeper = subprocess.Popen(
        [sys.executable, "-m", "services.keeper", "--config", config, "--data", data],
        cwd=TREE,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (USUAL, allowed)),
    )
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    address = Sockets(data).address("control")
    try:
        crowd = [Peer(context, address) for _ in range(2 * USUAL)]
        for peer in crowd:
            peer.send(Ping())
        assert all(isinstance(peer.hear().body, Pong) for peer in crowd)
        keeper.send_signal(signal.SIGTERM)
        assert keeper.wait(30) == 0
    finally:
        keeper.kill()
        keeper.wait()
        context.destroy(linger=0)
