"""What is asked wrongly: bodies, regions, wishes and addresses, each answered by what is wrong with it."""

import pytest

from tests.gateway.house import House, code


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (b"", "quadrants"),
        (b"nonsense", "line 1, column 1"),
        (b"\xff\xfe{\x00}\x00", "UTF-8"),
        (b"[]", "object"),
        (b'"x"', "object"),
        (b"[" * 60_000, "deeply"),
        (b'{"quadrants":' + b"[" * 60_000, "deeply"),
        (b'{"quadrants": [[NaN, 0]]}', "NaN"),
        (b'{"quadrants": [[Infinity, 0]]}', "Infinity"),
        (b'{"quadrants": [[1e999, 0]]}', "too large"),
        (b'{"quadrants": [[0, 0]], "quadrants": [[1, 1]]}', "twice"),
        (b'{"quadrants": [[' + b"9" * 5_000 + b", 0]]}", "JSON"),
        (b'{"quadrants": []}', "quadrants"),
        (b'{"quadrants": {}}', "quadrants"),
        (b'{"quadrants": [[0]]}', "quadrants[0]"),
        (b'{"quadrants": [[0, 0, 0]]}', "quadrants[0]"),
        (b'{"quadrants": [[0, 0], [1.5, 0]]}', "quadrants[1].x"),
        (b'{"quadrants": [[1.0, 0]]}', "quadrants[0].x"),
        (b'{"quadrants": [["abc", 0]]}', "quadrants[0].x"),
        (b'{"quadrants": [["1", 0]]}', "quadrants[0].x"),
        (b'{"quadrants": [[true, 0]]}', "quadrants[0].x"),
        (b'{"quadrants": [[0, null]]}', "quadrants[0].y"),
        (b'{"quadrants": [[0, 1000001]]}', "quadrants[0].y"),
        (b'{"quadrants": [[-1000000000, 0]]}', "quadrants[0].x"),
        (b'{"quadrants": [[1' + b"0" * 30 + b", 0]]}", "quadrants[0].x"),
        (b'{"quadrants": [{"x": 1}]}', "quadrants[0]: y is missing"),
        (b'{"quadrants": [{"x": 1, "y": 2.5}]}', "quadrants[0].y"),
        (b'{"quadrants": [0, 0]}', "quadrants[0]"),
    ],
)
async def test_a_bad_body_is_answered_by_what_is_wrong(door: House, body: bytes, word: str) -> None:
    url = await door.url("/api/render")
    async with door.session.post(url, data=body, headers={"Content-Type": "application/json"}) as answer:
        content = await answer.json()
        assert (answer.status, code(content)) == (400, "BAD_REQUEST")
        assert word in content["error"]["message"]


SQUARE = [[-122.45, 37.76], [-122.44, 37.76], [-122.44, 37.77], [-122.45, 37.77], [-122.45, 37.76]]
BOW_TIE = [[-122.45, 37.76], [-122.44, 37.77], [-122.44, 37.76], [-122.45, 37.77], [-122.45, 37.76]]
WORLD = [[-179, -80], [179, -80], [179, 80], [-179, 80], [-179, -80]]


def polygon(*rings: object) -> dict[str, object]:
    return {"type": "Polygon", "coordinates": list(rings)}


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({}, "exactly one of rectangle, quadrants and polygon"),
        ({"rectangle": [0, 0, 1, 1], "quadrants": [[0, 0]]}, "exactly one of"),
        ({"rectangle": [0, 0, 1, 1], "polygon": polygon(SQUARE)}, "exactly one of"),
        ({"rectangle": None, "quadrants": None, "polygon": None}, "exactly one of"),
        ({"rectangle": [0, 0, 1]}, "rectangle"),
        ({"rectangle": [0, 0, 1, 1_000_001]}, "rectangle[3]"),
        ({"rectangle": {"x0": 0}}, "rectangle"),
        ({"quadrants": []}, "quadrants"),
        ({"quadrants": [[0, 0], [0.5, 0]]}, "quadrants[1].x"),
        ({"quadrants": "0,0"}, "quadrants"),
        ({"rectangle": [0, 0, 1, 1], "repair": "yes"}, "repair"),
        ({"rectangle": [0, 0, 1, 1], "repair": 1}, "repair"),
        ({"rectangle": [0, 0, 1, 1], "name": "x" * 301}, "name"),
        ({"rectangle": [0, 0, 1, 1], "name": 7}, "name"),
        ({"polygon": []}, "polygon"),
        ({"polygon": "Polygon"}, "polygon"),
        ({"polygon": {}}, "polygon.type: "),
        ({"polygon": {"type": "Point", "coordinates": [0, 0]}}, "polygon.type: A Point has no area"),
        ({"polygon": {"type": "Polygon"}}, "polygon.coordinates: It is missing"),
        ({"polygon": {"type": "Polygon", "coordinates": []}}, "polygon.coordinates: "),
        ({"polygon": polygon(SQUARE[:2])}, "fewer than 3"),
        ({"polygon": polygon(BOW_TIE)}, "polygon.coordinates"),
        ({"polygon": polygon([*SQUARE[:2], ["x", 0]])}, "polygon.coordinates[0][2]: A position is expected"),
        ({"polygon": polygon([*SQUARE[:2], [37.76, -122.45]])}, "longitude comes first"),
        ({"polygon": polygon([*SQUARE[:2], [10**400, 0]])}, "polygon.coordinates[0][2][0]"),
        ({"polygon": polygon(WORLD)}, "polygon.coordinates"),
        ({"polygon": {"type": "FeatureCollection", "features": []}}, "polygon.features: "),
    ],
)
@pytest.mark.parametrize("query", ["", "?dry_run=1"])
async def test_a_bad_region_is_refused_by_what_is_wrong(
    door: House, body: dict[str, object], word: str, query: str
) -> None:
    status, answer = await door.post(f"/api/fill{query}", body)
    assert (status, code(answer)) == (400, "BAD_REQUEST")
    assert word in answer["error"]["message"]


@pytest.mark.parametrize(
    ("path", "body", "word"),
    [
        ("/api/fill?dry_run=yes", {"rectangle": [0, 0, 1, 1]}, "dry_run"),
        ("/api/plans?dry_run=2", {"rectangle": [0, 0, 1, 1]}, "dry_run"),
        ("/api/plans/p/replan?dry_run=", {}, "dry_run"),
        ("/api/plans/p/replan", {"repair": "1"}, "repair"),
        ("/api/render", {"quadrants": [[0, 0]], "modle_id": "x"}, "modle_id"),
        ("/api/jobs/1/cancel", {"plan": "p"}, "plan"),
        ("/api/plans/p/retry", {"where": {}}, "where"),
        ("/api/plans/p/revert", {"version": 1}, "version"),
        ("/api/plans/a%20b/revert", {}, "id"),
        ("/api/queue/clear", {"where": {"plan": "p"}}, "where"),
        ("/api/queue/pause", {"model": "m"}, "model"),
        ("/api/queue/pause", {"model_id": "a b"}, "model_id"),
        ("/api/queue/resume", {"plan": 7}, "plan"),
        ("/api/queue/cancel", {}, "where"),
        ("/api/queue/cancel", {"where": {"modle_id": "m"}}, "where.modle_id"),
        ("/api/queue/cancel", {"where": {"states": ["done"]}}, "where.states[0]"),
        ("/api/queue/cancel", {"where": {"states": "error"}}, "where.states"),
        ("/api/queue/cancel", {"where": {"held": 1}}, "where.held"),
        ("/api/queue/retry", {"plan": "p"}, "plan"),
        ("/api/queue/retry", {"where": {"error_class": "odd"}}, "where.error_class"),
        ("/api/queue/retry", {"where": {"text": ""}}, "where.text"),
        ("/api/queue/retry", {"where": {"kind": "paint"}}, "where.kind"),
        ("/api/queue/move", {"jobs": [], "to": "front"}, "jobs"),
        ("/api/queue/move", {"jobs": [0], "to": "front"}, "jobs[0]"),
        ("/api/queue/move", {"jobs": [1.0], "to": "front"}, "jobs[0]"),
        ("/api/queue/move", {"jobs": [1] * 501, "to": "front"}, "jobs"),
        ("/api/queue/move", {"jobs": [1], "to": "top"}, "to"),
        ("/api/queue/move", {"jobs": [1]}, "to"),
        ("/api/queue/edit", {"jobs": [1], "priority": 1_001}, "priority"),
        ("/api/queue/edit", {"jobs": [1], "priority": True}, "priority"),
        ("/api/queue/edit", {"jobs": [1], "prompt": "x" * 8_001}, "prompt"),
        ("/api/queue/edit", {"jobs": [1], "prompt": "\x00"}, "prompt"),
        ("/api/queue/edit", {"jobs": [1], "lane": "fast"}, "lane"),
        ("/api/queue/edit", {"jobs": [1], "promt": "x"}, "promt"),
        ("/api/queue/import", {}, "plans"),
        ("/api/queue/import", {"plans": []}, "plans"),
        ("/api/queue/import", {"plans": [{"id": "p"}]}, "plans[0]"),
        ("/api/queue/import", {"plans": [{"rectangle": [0, 0, 1, 1]}]}, "plans[0].id"),
        ("/api/quadrants/0/0/revert", {}, "version"),
        ("/api/quadrants/0/0/revert", {"version": -1}, "version"),
        ("/api/quadrants/0/0/revert", {"version": 2**62 + 1}, "version"),
        ("/api/quadrants/1000001/0/revert", {"version": 1}, "x"),
        ("/api/compare", {"quadrants": [[0, 0]]}, "models"),
        ("/api/compare", {"quadrants": [[0, 0]], "models": []}, "models"),
        ("/api/compare", {"quadrants": [[0, 0]], "models": ["pixel-art"], "seeds": [-1]}, "seeds[0]"),
        ("/api/compare", {"quadrants": [[0, 0]], "models": ["a"] * 4, "seeds": [1] * 9}, "body"),
        ("/api/compare", {"quadrants": [[0, 0]], "models": ["a"], "model_id": "a"}, "model_id"),
        ("/api/orphans/0/adopt", {}, "orphan"),
        ("/api/orphans/x/delete", {}, "orphan"),
        ("/api/orphans/1/adopt", {"force": True}, "force"),
        ("/api/prune", {}, "older_than_seconds"),
        ("/api/prune", {"older_than_seconds": -1}, "older_than_seconds"),
        ("/api/prune", {"older_than_seconds": "30d"}, "older_than_seconds"),
        ("/api/prune", {"older_than_seconds": 1, "versions": "yes"}, "versions"),
        ("/api/prune", {"older_than_seconds": 1, "dryrun": True}, "dryrun"),
        ("/api/plans/a%20b/replan", {}, "id"),
        (f"/api/plans/{'p' * 129}/replan", {}, "id"),
    ],
)
async def test_a_bad_wish_is_refused_by_its_field(
    door: House, path: str, body: dict[str, object], word: str
) -> None:
    status, answer = await door.post(path, body)
    assert (status, code(answer)) == (400, "BAD_REQUEST")
    assert answer["error"]["message"].startswith(f"{word}:")


@pytest.mark.parametrize(
    ("path", "word"),
    [
        ("/api/map?x0=0&y0=0&x1=1", "y1"),
        ("/api/map?x0=1.5&y0=0&x1=1&y1=1", "x0"),
        ("/api/map?x0=abc&y0=0&x1=1&y1=1", "x0"),
        ("/api/map?x0=0&y0=1000000000&x1=1&y1=1", "y0"),
        (f"/api/map?x0=0&y0=0&x1=1{'0' * 30}&y1=1", "x1"),
        ("/api/map?x0=0&y0=0&x1=٣&y1=1", "x1"),
        ("/api/map?x0=0&y0=0&x1=1&y1=1&layers=render,Snow", "layers[1]"),
        (f"/api/map?x0=0&y0=0&x1=1&y1=1&layers={','.join('abcdefghijklmnopq')}", "layers"),
        ("/api/quadrants/1e9/0", "x"),
        ("/api/quadrants/0/-1000001", "y"),
        ("/api/jobs/abc", "job"),
        ("/api/jobs/0", "job"),
        (f"/api/jobs/{'9' * 4_500}", "job"),
        ("/api/queue?status=done", "status"),
        ("/api/queue?kind=paint", "kind"),
        ("/api/queue?held=maybe", "held"),
        ("/api/queue?error_class=odd", "error_class"),
        (f"/api/queue?text={'x' * 301}", "text"),
        ("/api/queue?text=%00", "text"),
        ("/api/queue?limit=0", "limit"),
        ("/api/queue/export?plan=a%20b", "id"),
        ("/api/candidates?limit=201", "limit"),
        ("/api/candidates?plan=a%20b", "id"),
        ("/api/orphans?cursor=-1", "cursor"),
        ("/api/orphans?limit=501", "limit"),
        ("/tiles/render/2/0/0?b=-1", "b"),
        ("/tiles/render/2/0/0?b=4294967296", "b"),
        ("/api/queue?cursor=-1", "cursor"),
        ("/api/queue?model_id=a%20b", "model_id"),
        ("/api/events?since=-1", "since"),
        ("/api/events?since=x", "since"),
        ("/tiles/render/9/0/0", "z"),
        ("/tiles/render/0/1.5/0", "x"),
        ("/tiles/render/0/0/abc", "y"),
        ("/tiles/render/0/0/1000001", "y"),
        ("/tiles/render/8/4000/0", "x"),
        ("/tiles/render/0/0/0?v=0", "v"),
        ("/tiles/render/0/0/0?v=abc", "v"),
        ("/tiles/render/2/0/0?v=1&n=17", "n"),
    ],
)
async def test_a_bad_address_is_answered_by_the_field(door: House, path: str, word: str) -> None:
    status, answer, _ = await door.get(path)
    assert (status, code(answer)) == (400, "BAD_REQUEST")
    assert answer["error"]["message"].startswith(f"{word}:")


@pytest.mark.parametrize(
    ("path", "body", "sentence"),
    [
        ("/api/generate", {"quadrants": [[0, 0]], "modle_id": "x"}, "did you mean 'model_id'?"),
        ("/api/queue/retry", {"where": {"error_clas": "auth"}}, "did you mean 'error_class'?"),
        ("/api/queue/clear", {"zzz": 1}, "zzz: this field is not known; known are none."),
        ("/api/queue/pause", {"model_id": "a", "plan": "b"}, "either a model or a plan is paused"),
        (
            "/api/queue/cancel",
            {"where": {"held": False, "states": []}},
            "POST /api/queue/clear calls off every",
        ),
        ("/api/queue/move", {"jobs": [1], "to": "before"}, "`before` names a job exactly when"),
        ("/api/queue/move", {"jobs": [1], "to": "front", "before": 2}, "`before` names a job exactly when"),
        ("/api/queue/edit", {"jobs": [1]}, "says nothing to change"),
        ("/api/queue/edit", {"jobs": [1], "model_id": "nobody"}, "There is no model 'nobody'."),
    ],
)
async def test_what_could_be_meant_is_said(
    door: House, path: str, body: dict[str, object], sentence: str
) -> None:
    status, answer = await door.post(path, body)
    assert (status, code(answer)) == (400, "UNKNOWN_MODEL" if "nobody" in sentence else "BAD_REQUEST")
    assert sentence in answer["error"]["message"]
    assert "Value error" not in answer["error"]["message"]
