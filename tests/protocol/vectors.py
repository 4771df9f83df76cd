"""The golden messages: `python -m tests.protocol.vectors` writes the ones that are missing."""

import json
from pathlib import Path

import protocol
from protocol.codec import Envelope, encode
from protocol.control import Resume
from protocol.errors import Code
from protocol.event import Event, Events, JobChange, TileRef, Watch
from protocol.ingest import Accepted, PlanPart, Publish
from protocol.message import Error, Message, Ping
from protocol.plan import Plan, Step
from protocol.region import Compare, Fill, Planned, Replan
from protocol.view import Estimate, LeftOut, PlannedStep
from protocol.work import Ack, GenerateWork, Lease, Made, Nack, Ready, SeamScore, Started, TileImage

FOLDER = Path(protocol.__file__).parent / "vectors"

EARLIER = {
    "publish_rectangle",
    "publish_steps",
    "publish_repair",
    "accepted",
    "lease",
    "lease_to_go_on_with",
    "lease_of_a_layer",
    "ack",
    "ack_with_seams",
    "nack_rate_limited",
    "error",
    "events",
    "fill_quadrants",
}
"""Written before these messages got more fields; peers may go on to send them without."""

GOLDEN: dict[str, tuple[Message, str | None, list[bytes]]] = {
    "ping": (Ping(), None, []),
    "publish_rectangle": (
        Publish(plan=Plan(id="harbour-1", model_id="pixel-art", rectangle=(10, 4, 17, 9))),
        None,
        [],
    ),
    "publish_steps": (
        Publish(
            plan=Plan(
                id="two-steps",
                name="Zwölf Straßen ©",
                lane="interactive",
                steps=[
                    Step(id="a", quadrants=[(-1, -1), (0, -1), (-1, 0), (0, 0)]),
                    Step(id="b", quadrants=[(-1, 1), (0, 1)], after=["a"], model_id="pixel-art-chunky"),
                ],
            )
        ),
        None,
        [],
    ),
    "accepted": (Accepted(plan="harbour-1", jobs=[1, 2, 3], position=7), "publish_rectangle", []),
    "error": (
        Error(code=Code.SEAM, message="It would leave a seam.", details="step b"),
        "publish_steps",
        [],
    ),
    "ready": (Ready(worker="generator-1.ab12cd34", kinds=["generate", "palette"], wait=20.0), None, []),
    "lease": (
        Lease(
            job=9_007_199_254_740_993,
            token=4_294_967_296,
            plan="harbour-1",
            step="s0,0",
            attempt=1,
            expires_in=60.0,
            work=GenerateWork(x=-512, y=0, quadrants=[(-1, 0)], padding=[(0, 0)], model_id="pixel-art"),
        ),
        "ready",
        [],
    ),
    "lease_of_a_layer": (
        Lease(
            job=7,
            token=8,
            plan="night-1",
            step="s0,0",
            attempt=1,
            expires_in=60.0,
            work=GenerateWork(
                x=0, y=0, quadrants=[(0, 0)], model_id="night", layer="dark", input_layer="generation"
            ),
        ),
        "ready",
        [],
    ),
    "started": (Started(job=5, token=6, handle="prediction:9f8e7d"), None, []),
    "lease_to_go_on_with": (
        Lease(
            job=5,
            token=7,
            plan="harbour-1",
            step="s0,0",
            attempt=2,
            expires_in=60.0,
            work=GenerateWork(x=-512, y=0, quadrants=[(-1, 0)], padding=[(0, 0)], model_id="pixel-art"),
            handle="prediction:9f8e7d",
        ),
        "ready",
        [],
    ),
    "ack": (
        Ack(
            job=5,
            token=6,
            tiles=[TileImage(layer="generation", x=-1, y=0, attachment=0)],
            made=Made(worker="generator-1", seconds=1.5),
        ),
        None,
        [b"\x89PNG stands for a picture"],
    ),
    "ack_with_seams": (
        Ack(
            job=5,
            token=7,
            tiles=[TileImage(layer="generation", x=-1, y=0, attachment=0)],
            made=Made(
                worker="generator-1",
                seconds=9.5,
                saw=[12, 13, 14],
                calls=2,
                seams=[SeamScore(x=-1, y=0, score=1.75, flagged=True)],
            ),
        ),
        None,
        [b"\x89PNG stands for a picture"],
    ),
    "publish_repair": (
        Publish(
            plan=Plan(
                id="mend-1", steps=[Step(id="a", quadrants=[(3, 4)], padding=[(4, 4)])], repair=[(4, 4)]
            ),
            dry_run=True,
        ),
        None,
        [],
    ),
    "fill_quadrants": (
        Fill(plan="coast-1", quadrants=[(0, 0), (1, 0), (2, 1)], repair=True, name="Coast", dry_run=True),
        None,
        [],
    ),
    "fill_with_a_cap": (
        Fill(plan="coast-3", rectangle=(0, 0, 3, 3), model_id="pixel-art", cost_cap=12.5),
        None,
        [],
    ),
    "resume_with_a_cap": (Resume(plan="coast-3", cost_cap=20.0), None, []),
    "planned": (
        Planned(
            steps=[
                PlannedStep(
                    id="a",
                    quadrants=[(0, 0), (1, 0)],
                    padding=[],
                    scaffold=[(0, 1), (1, 1)],
                    after=[],
                    wave=1,
                )
            ],
            waves=1,
            renders=9,
            left_out=[LeftOut(quadrant=(2, 1), reason="It would leave a seam.")],
            left_out_count=1,
            repaired=[(0, 0)],
            estimate=Estimate(
                calls=1,
                quadrants=2,
                waves=1,
                renders=9,
                shapes={"2x2": 1, "2x1": 0, "1x2": 0, "1x1": 0},
                seconds_p50=12.5,
                seconds_p90=None,
                concurrency=4,
                cost=0.25,
            ),
        ),
        "fill_quadrants",
        [],
    ),
    "accepted_left_out": (
        Accepted(
            plan="coast-1",
            jobs=[9],
            left_out=[LeftOut(quadrant=(2, 1), reason="It would leave a seam.")],
            left_out_count=1,
        ),
        None,
        [],
    ),
    "compare": (
        Compare(
            plan="choice-1",
            quadrants=[(3, 4)],
            models=["pixel-art", "oxen/flux"],
            seeds=[1, 9_007_199_254_740_991],
            prompt="Rain",
        ),
        None,
        [],
    ),
    "lease_of_candidate": (
        Lease(
            job=12,
            token=40,
            plan="choice-1",
            step="candidate-3",
            attempt=1,
            expires_in=60.0,
            work=GenerateWork(
                x=1024, y=2048, quadrants=[(3, 4)], model_id="oxen/flux", seed=9_007_199_254_740_991
            ),
        ),
        None,
        [],
    ),
    "replan": (Replan(plan="coast-1", id="coast-2", repair=True), None, []),
    "plan_part": (
        PlanPart(plan="city-1", first=1_000, steps=[Step(id="s1000", quadrants=[(3, 4)], prompt="Rain")]),
        None,
        [],
    ),
    "nack_rate_limited": (
        Nack(job=5, token=6, error_class="rate_limited", reason="Asked too often.", retry_after=30.0),
        None,
        [],
    ),
    "nack_unsettled": (
        Nack(job=5, token=6, error_class="transient", reason="It did not answer.", unsettled=1),
        None,
        [],
    ),
    "watch": (Watch(since=41, wait=10.0), None, []),
    "events": (
        Events(
            events=[
                Event(
                    seq=42,
                    at=1_767_225_600.5,
                    change=JobChange(
                        job=5,
                        plan="harbour-1",
                        job_kind="generate",
                        state="complete",
                        model_id="pixel-art",
                        quadrants=[(-1, 0)],
                        attempt=1,
                        tiles=[TileRef(layer="generation", x=-1, y=0, version=3)],
                    ),
                )
            ],
            last=42,
        ),
        "watch",
        [],
    ),
}


def frames(name: str) -> list[bytes]:
    """The frames of one golden message."""
    body, re, attachments = GOLDEN[name]
    return encode(Envelope(id=name, re=re, body=body, attachments=attachments))


def pack(parts: list[bytes]) -> bytes:
    """Frames as one file: for each, four bytes of length (big endian) and the frame."""
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def unpack(content: bytes) -> list[bytes]:
    """The frames in such a file."""
    parts = []
    while content:
        length = int.from_bytes(content[:4], "big")
        parts.append(content[4 : 4 + length])
        content = content[4 + length :]
    return parts


def described(name: str) -> dict[str, object]:
    """What a golden message says, as JSON."""
    body, re, attachments = GOLDEN[name]
    return {
        "type": body.TYPE,
        "id": name,
        "re": re,
        "body": body.model_dump(mode="json"),
        "attachments": [attachment.hex() for attachment in attachments],
    }


def main() -> None:
    """Write what is missing; golden messages are never changed."""
    for name in GOLDEN:
        if not (FOLDER / f"{name}.bin").exists():
            (FOLDER / f"{name}.bin").write_bytes(pack(frames(name)))
            (FOLDER / f"{name}.json").write_text(
                json.dumps(described(name), indent=1, ensure_ascii=False) + "\n"
            )


if __name__ == "__main__":
    main()
