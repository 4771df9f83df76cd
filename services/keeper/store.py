"""The store: one connection, its transactions, what the keeper remembers, and the nouns that hold the SQL."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from protocol.errors import ProtocolError
from services.keeper.accounts import Accounts
from services.keeper.backlog import Backlog
from services.keeper.dependencies import Dependencies
from services.keeper.events import EventLog
from services.keeper.halts import Halts
from services.keeper.lanes import Lanes
from services.keeper.listing import Listing
from services.keeper.orphans import Orphans
from services.keeper.pace import Paces
from services.keeper.plans import Plans
from services.keeper.queue import Queue
from services.keeper.relics import Relics
from services.keeper.remainders import Remainders
from services.keeper.settling import Settling
from services.keeper.staged import Staged
from services.keeper.stale import Stale
from services.keeper.tallies import Tallies
from services.keeper.tiles import Tiles
from services.keeper.turns import Turns
from services.keeper.versions import Versions
from services.keeper.whereabouts import Whereabouts

TOKENS = 100
"""Tokens reserved at once."""


class Store:
    """All that lasts. Every change happens between `begin` and `commit`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.queue = Queue(connection)
        self.whereabouts = Whereabouts(connection, self.queue)
        self.dependencies = Dependencies(connection, self.queue)
        self.halts = Halts(connection)
        self.accounts = Accounts(connection)
        self.lanes = Lanes(connection)
        self.turns = Turns(connection, self.halts)
        self.plans = Plans(connection)
        self.settling = Settling(connection)
        self.staged = Staged(connection)
        self.tiles = Tiles(connection)
        self.versions = Versions(connection)
        self.stale = Stale(connection)
        self.orphans = Orphans(connection)
        self.events = EventLog(connection)
        self.tallies = Tallies(connection)
        self.listing = Listing(connection, self.tallies)
        self.backlog = Backlog(connection)
        self.paces = Paces(connection)
        self.relics = Relics(connection)
        self.remainders = Remainders(connection, self.queue)
        self._tokens = iter(range(0))
        """Those that are reserved and have not been given; forgotten if that may be undone."""

    @property
    def written(self) -> int:
        """How many rows were written so far; it grows with every change."""
        return self._connection.total_changes

    def begin(self) -> None:
        """Start the transaction that a whole batch shares."""
        self._connection.execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        """Put the batch on disk."""
        self._connection.execute("COMMIT")

    def rollback(self) -> None:
        """Undo the whole batch; nothing to undo is fine, SQLite may have done it by itself."""
        self._tokens = iter(range(0))
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    @contextmanager
    def part(self) -> Iterator[None]:
        """One request's share of the batch: if it is refused, only this share is undone."""
        self._connection.execute("SAVEPOINT part")
        try:
            yield
        except ProtocolError:
            self._tokens = iter(range(0))
            self._connection.execute("ROLLBACK TO part")
            self._connection.execute("RELEASE part")
            raise
        self._connection.execute("RELEASE part")

    def next_token(self) -> int:
        """A number larger than any given before, in any life of the keeper."""
        if (token := next(self._tokens, None)) is not None:
            return token
        # Many are reserved by one write; what a life has left of them nobody gets.
        last = self.setting("token") or 0
        self.set("token", last + TOKENS)
        self._tokens = iter(range(last + 1, last + TOKENS + 1))
        return next(self._tokens)

    def setting(self, name: str) -> int | None:
        """A number that the keeper remembers about itself."""
        row = self._connection.execute("SELECT value FROM settings WHERE name = ?", (name,)).fetchone()
        return int(row[0]) if row else None

    def set(self, name: str, value: int) -> None:
        """Remember a number."""
        self._connection.execute(
            "INSERT INTO settings (name, value) VALUES (?, ?) "
            "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            (name, value),
        )

    @property
    def paused(self) -> bool:
        """Whether a person has stopped the handing out of jobs."""
        return bool(self.setting("paused"))

    def pause(self, paused: bool) -> None:
        """Stop or resume handing out jobs, for good."""
        self.set("paused", int(paused))
