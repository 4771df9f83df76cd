"""`app_config.json` as the supervisor follows it: what is in force, and the copy that processes are given."""

import contextlib
import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from protocol.life import ConfigView, WorkerKind
from services.config import AppConfig, ConfigError, Counts, load

FIXED = ("http", "camera", "scene", "name", "browser", "starter_plan")
"""What cannot change while the processes run."""

Signature = tuple[int, ...]


@dataclass(frozen=True)
class Change:
    """What the file says now and did not say before, by field."""

    taken: list[str]
    waiting: list[str]
    """Takes effect after a restart."""
    counts: dict[WorkerKind, int]
    """The numbers of processes that are others now."""

    def __str__(self) -> str:
        parts = [f"taken over: {', '.join(self.taken)}"] if self.taken else []
        parts += [f"takes effect after a restart: {', '.join(self.waiting)}"] if self.waiting else []
        return "; ".join(parts) or "in order again, nothing has changed"


class Configuration:
    """One file, read when it has changed; what is wrong with it changes nothing.

    Processes are given a copy in a private folder, since a process that is started again while somebody
    writes the file must not fail. What cannot change while they run stays in it as it was at the start.
    Raises ConfigError if the file is wrong from the start.
    """

    def __init__(self, path: Path, folder: Path, environment: Mapping[str, str] = os.environ) -> None:
        self.path = Path(os.path.abspath(path))
        self.copy = folder / "app_config.json"
        self.reasons = folder / "unavailable.json"
        """model_id → why it cannot be called, for processes that are not given the keys."""
        self.error = ""
        self._environment = environment
        self._taken = self._seen = self._signature()
        self.settings = load(path)
        self._loaded_at = time.time()

    def look(self) -> Change | None:
        """What has changed since the last look, once the file has been left alone from one look to the next.

        Raises ConfigError once for each content that cannot be used.
        """
        now, before = self._signature(), self._seen
        self._seen = now
        if now == self._taken or now != before:
            return None
        self._taken = now
        try:
            found = load(self.path)
        except ConfigError as error:
            self.error = str(error)
            raise
        self.error = ""
        return self._take(found)

    def hand_out(self, counts: Mapping[WorkerKind, int]) -> None:
        """Write the copy anew, with the numbers of processes that there are now."""
        settings = self.settings.model_copy(update={"services": Counts.model_validate(dict(counts))})
        unavailable = {model.model_id: model.why_unavailable() for model in settings.models}
        _write(self.reasons, json.dumps({name: reason for name, reason in unavailable.items() if reason}))
        _write(self.copy, settings.model_dump_json(exclude_none=True))

    def handed_out(self) -> bool:
        """Whether the copy is there; what lies in /tmp for days may be swept away."""
        return self.copy.exists() and self.reasons.exists()

    def take_back(self) -> None:
        """Remove the copy."""
        for path in (self.copy, self.reasons):
            path.unlink(missing_ok=True)

    def keys(self) -> dict[str, str]:
        """The environment variables with keys that models name, as far as they are set."""
        named = {variable for model in self.settings.models if (variable := model.key_variable())}
        return {name: self._environment[name] for name in sorted(named) if name in self._environment}

    def scene_keys(self) -> dict[str, str]:
        """The environment variables with the keys of the scene's tiles, as far as they are set."""
        named = {variable for part in self.settings.scene.keyed if (variable := part.key_variable())}
        return {name: self._environment[name] for name in sorted(named) if name in self._environment}

    def view(self) -> ConfigView:
        """The configuration as `status` shows it."""
        return ConfigView(
            path=_printable(str(self.path)), loaded_at=self._loaded_at, error=_printable(self.error)
        )

    def _take(self, found: AppConfig) -> Change:
        before = self.settings
        now = found.model_copy(update={field: getattr(before, field) for field in FIXED})
        counts: dict[WorkerKind, int] = {
            kind: getattr(found.services, kind)
            for kind in get_args(WorkerKind)
            if getattr(found.services, kind) != getattr(before.services, kind)
        }
        different = [
            field for field in AppConfig.model_fields if getattr(now, field) != getattr(before, field)
        ]
        taken = [field for field in different if field != "services"]
        taken += [f"services.{kind}" for kind in counts]
        waiting = [field for field in FIXED if getattr(found, field) != getattr(before, field)]
        self.settings = now
        self._loaded_at = time.time()
        return Change(taken=taken, waiting=waiting, counts=counts)

    def _signature(self) -> Signature:
        try:
            found = self.path.stat()
        except OSError as error:
            return (error.errno or 0,)
        return (found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_size)


def _write(path: Path, content: str) -> None:
    """Replace the file at once, readable for this user alone."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with contextlib.suppress(FileNotFoundError):
        draft.unlink()
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(content)
    draft.replace(path)


def _printable(text: str) -> str:
    return "".join(sign if sign.isprintable() else "?" for sign in text)[:8_000]
