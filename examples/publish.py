"""Publishes a plan with none of Tilewright's code: `python examples/publish.py SOCKET PLAN.json`.

SOCKET is the ingest socket that `supervisor.py status` shows. PROTOCOL.md says what the frames mean.
Needs pyzmq and msgpack.
"""

import json
import sys
import time
import uuid

import msgpack
import zmq


def main() -> int:
    """Exit code: 0 accepted, 1 refused, 2 wrong usage, 3 nobody answers."""
    if len(sys.argv) != 3:
        print("usage: python examples/publish.py SOCKET PLAN.json", file=sys.stderr)
        return 2
    address, file = sys.argv[1:]
    with open(file, encoding="utf-8") as text:
        plan = json.load(text)
    request_id = str(uuid.uuid4())
    request = {"type": "publish", "id": request_id, "re": None, "body": {"plan": plan}}
    frames = [b"TW01", msgpack.packb(request)]

    dealer = zmq.Context.instance().socket(zmq.DEALER)
    dealer.setsockopt(zmq.LINGER, 0)
    dealer.setsockopt(zmq.IMMEDIATE, 1)
    dealer.connect(address)
    deadline = time.monotonic() + 30
    # The network may lose a message without telling, so the request is sent again, under the same id, until
    # it is answered. That does no harm: the keeper knows the plan by its id and accepts it once.
    while time.monotonic() < deadline:
        if not dealer.poll(2_000, zmq.POLLOUT):
            continue
        dealer.send_multipart(frames)
        while dealer.poll(2_000, zmq.POLLIN):
            signature, content, *_ = dealer.recv_multipart()
            answer = msgpack.unpackb(content)
            if signature == b"TW01" and answer["re"] == request_id:
                print(json.dumps(answer, indent=2))
                return 0 if answer["type"] == "accepted" else 1
    print(f"Nobody answers at {address}.", file=sys.stderr)
    return 3


if __name__ == "__main__":
    sys.exit(main())
