"""Staging: the jobs of a large plan are written to a file of their own before it is accepted."""

import sqlite3
from collections.abc import Collection, Iterable, Iterator
from contextlib import closing
from pathlib import Path

from services.disk import sync
from services.keeper.draft import Draft
from services.keeper.entry import numbered
from services.keeper.events import job_text
from services.keeper.row import COLUMNS, PLACES, row, text

BLOCK = 8
"""Quadrants along one side of what one number tells of: as many bits as it has."""

_TABLES = (
    "CREATE TABLE jobs (id INTEGER PRIMARY KEY, step TEXT, kind TEXT, status TEXT, words INTEGER, "
    "quadrants TEXT, padding TEXT, scaffold TEXT, x INTEGER, y INTEGER, needs TEXT)",
    "CREATE TABLE words (id INTEGER PRIMARY KEY, model_id TEXT, prompt TEXT, negative_prompt TEXT, "
    "layer TEXT, input_layer TEXT)",
    "CREATE TABLE drawn (x INTEGER, y INTEGER, quadrants INTEGER, PRIMARY KEY (x, y)) WITHOUT ROWID",
)
_OWN = frozenset(["id", "step", "kind", "status", "quadrants", "padding", "scaffold", "x", "y"])
_WORDS = frozenset(["model_id", "prompt", "negative_prompt", "layer", "input_layer"])
Words = tuple[str, str, str, str, str]
"""What many jobs of a plan say to their models alike."""


def write(path: Path, draft: Draft, first: int) -> None:
    """Write all jobs of a draft, numbered from `first`; when it returns they are on disk.

    What all jobs share, and what can be told from the rest, is in the views: whoever moves the jobs over
    finds the rows of each table of the queue under that table's name.
    """
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path, isolation_level=None)) as file:
        # Nobody reads it before it is whole, and then it is fsynced as a whole.
        file.execute("PRAGMA journal_mode = OFF")
        file.execute("PRAGMA synchronous = OFF")
        for sql in (*_TABLES, *_views(draft)):
            file.execute(sql)
        file.execute("BEGIN")
        words: dict[Words, int] = {}
        file.executemany(
            "INSERT INTO jobs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", _jobs(draft, first, words)
        )
        file.executemany(
            "INSERT INTO words VALUES (?, ?, ?, ?, ?, ?)", ((i, *some) for some, i in words.items())
        )
        file.executemany("INSERT INTO drawn VALUES (?, ?, ?)", _blocks(draft.cells))
        file.execute("COMMIT")
    for place in (path, path.parent):
        sync(place)


def draws_beside(path: Path, cells: Collection[tuple[int, int]]) -> bool:
    """Whether model calls of a staged plan draw in one of these quadrants or right beside one."""
    if not cells:
        return False
    near = {(x + i, y + j) for x, y in cells for i in (-1, 0, 1) for j in (-1, 0, 1)}
    with closing(sqlite3.connect(path)) as file:
        return any(
            file.execute(
                "SELECT EXISTS (SELECT 1 FROM drawn WHERE x = ? AND y = ? AND quadrants & ?)", block
            ).fetchone()[0]
            for block in _blocks(near)
        )


def _jobs(draft: Draft, first: int, words: dict[Words, int]) -> Iterator[tuple[int | str, ...]]:
    """The rows of `jobs`, one by one; what they say to models is gathered in `words`."""
    for id, (job, waits) in enumerate(zip(draft.jobs, draft.waits, strict=True), first):
        yield (
            id,
            job.step,
            job.kind,
            job.state,
            words.setdefault(
                (job.model_id, job.prompt, job.negative_prompt, job.layer, job.input_layer), len(words)
            ),
            text(job.quadrants),
            text(job.padding),
            text(job.scaffold),
            job.x,
            job.y,
            str(numbered(waits, first)),
        )


def _blocks(cells: Iterable[tuple[int, int]]) -> list[tuple[int, int, int]]:
    """Quadrants as blocks, each with a bit for every one of its quadrants that is among them."""
    found: dict[tuple[int, int], int] = {}
    for x, y in cells:
        block = (x // BLOCK, y // BLOCK)
        found[block] = found.get(block, 0) | 1 << (x % BLOCK * BLOCK + y % BLOCK)
    # SQLite's numbers have a sign.
    return [(x, y, bits - (1 << 64) if bits >> 63 else bits) for (x, y), bits in sorted(found.items())]


def _views(draft: Draft) -> Iterator[str]:
    """The tables of the queue, told from what is written down."""
    names = COLUMNS.split(", ")
    shared = {name: _literal(value) for name, value in zip(names, row(draft.pattern), strict=True)}
    columns = [
        f"j.id << {PLACES} AS place"
        if name == "place"
        else f"{'j' if name in _OWN else 'w'}.{name} AS {name}"
        if name in _OWN | _WORDS
        else f"{shared[name]} AS {name}"
        for name in names
    ]
    jobs = "jobs j CROSS JOIN words w ON w.id = j.words"
    yield f"CREATE VIEW generation_queue AS SELECT {', '.join(columns)} FROM {jobs}"
    yield "CREATE VIEW job_quadrants AS " + " UNION ALL ".join(
        "SELECT json_extract(c.value, '$[0]') AS x, json_extract(c.value, '$[1]') AS y, j.id AS job_id, "
        f"'{role}' AS role "
        f"FROM jobs j CROSS JOIN json_each(j.{role}) c WHERE j.{role} <> '[]' AND j.kind <> 'palette'"
        for role in ("quadrants", "padding", "scaffold")
    )
    yield (
        "CREATE VIEW dependencies AS SELECT j.id AS job_id, n.value AS needs_id "
        "FROM jobs j CROSS JOIN json_each(j.needs) n"
    )
    told = job_text(
        _told("j.id"),
        _told(shared["plan_id"]),
        _told("j.kind"),
        _told("j.status"),
        _told("w.model_id"),
        _told("w.layer"),
        _told("replace(j.quadrants, ' ', '')"),
    )
    yield (
        f"CREATE VIEW events AS SELECT {shared['created_at']} AS at, {shared['plan_id']} AS plan_id, "
        f"j.id AS job_id, '{told}' AS \"change\" FROM {jobs}"
    )


def _literal(value: object) -> str:
    """A value as SQL."""
    if value is None:
        return "NULL"
    return repr(value) if isinstance(value, int | float) else "'" + str(value).replace("'", "''") + "'"


def _told(column: str) -> str:
    """A column within a text in SQL."""
    return f"' || {column} || '"
