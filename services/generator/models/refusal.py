"""Refusals: what a provider's HTTP answer means for the try, in one place for all providers."""

import email.utils
import json
import math
import re
import time
from collections.abc import Mapping
from typing import Any

from services.config import Model
from services.generator.models.secret import Secret
from services.task import TryFailed

EXCERPT = 500
"""Letters of an answer that are shown and kept."""
LONGEST_PAUSE_SECONDS = 86_400.0

_MODERATED = re.compile(
    r"moderat|content[ _-]?(policy|filter)|safety|nsfw|responsible[ _-]?ai|prohibited[ _-]?content|"
    r"usage polic|image_safety",
    re.IGNORECASE,
)
_LONG_RUN = re.compile(r"[A-Za-z0-9+/=_-]{120,}")
"""Base64, or a key that is not ours: nothing that a person reads."""


def refusal(
    model: Model, status: int, headers: Mapping[str, str], content: bytes, *, secret: Secret | None
) -> TryFailed:
    """Why the provider did not answer with a picture: its class, a sentence, and for how long to wait."""
    said = excerpt(content, secret)
    name, tail = model.name, f": {said}" if said else "."
    if status in (400, 403, 422, 451) and is_moderated(content):
        return TryFailed(
            "moderated", f"{name} refused the content (HTTP {status}){tail} Change the prompt.", retry=False
        )
    if status in (401, 403):
        variable = model.key_variable() or "its api_key in app_config.json"
        return TryFailed("auth", f"{name} refused the key (HTTP {status}). Check {variable}.", retry=False)
    if status == 402:
        return TryFailed("unavailable", f"{name} asks for payment (HTTP 402){tail}", retry=False)
    if status == 404:
        return TryFailed(
            "rejected",
            f"{name}: its provider knows no such model or address (HTTP 404){tail}",
            retry=False,
        )
    pause = retry_after(headers.get("Retry-After"))
    if status == 429 or (status == 503 and pause is not None):
        wait = f" It wants no call for {pause:.0f} s." if pause is not None else ""
        return TryFailed(
            "rate_limited", f"{name} was asked too often (HTTP {status}){tail}{wait}", retry_after=pause
        )
    if status in (408, 425) or status >= 500:
        return TryFailed("transient", f"{name} is busy or failed (HTTP {status}){tail}")
    if 300 <= status < 400:
        return TryFailed(
            "rejected",
            f"{name} redirects (HTTP {status}), which is not followed. Check its endpoint.",
            retry=False,
        )
    return TryFailed("rejected", f"{name} refused the request (HTTP {status}){tail}", retry=False)


def retry_after(value: str | None, *, now: float | None = None) -> float | None:
    """The seconds that a Retry-After header asks for, as a number or as a date; None if it is neither."""
    if value is None:
        return None
    try:
        seconds = float(value.strip())
    except ValueError:
        try:
            date = email.utils.parsedate_to_datetime(value)
        except ValueError:
            return None
        seconds = date.timestamp() - (time.time() if now is None else now)
    if not math.isfinite(seconds) or seconds < 0:
        return None
    return min(seconds, LONGEST_PAUSE_SECONDS)


def is_moderated(content: bytes) -> bool:
    """Whether the provider says that it does not paint such things."""
    found = document(content)
    words: list[str] = []
    for part in (found, found.get("error"), found.get("detail")):
        if isinstance(part, dict):
            words += [str(part.get(field) or "") for field in ("code", "type", "status", "message", "title")]
        elif isinstance(part, str):
            words.append(part)
    return any(_MODERATED.search(word) for word in words)


def excerpt(content: bytes, secret: Secret | None) -> str:
    """What the provider says is wrong, without the key; a page of HTML helps nobody."""
    found = document(content)
    said = found.get("error") or found.get("message") or found.get("detail") or ""
    if isinstance(said, dict):
        said = said.get("message") or said.get("title") or ""
    if isinstance(said, list):
        # How FastAPI says which fields it does not like.
        said = "; ".join(str(part.get("msg") or "") for part in said if isinstance(part, dict))
    if not found and content[:1] not in (b"<", b"{", b"["):
        said = content[: 4 * EXCERPT].decode("utf-8", "replace")
    text = said if isinstance(said, str) else ""
    # The key goes before the text is cut: half of it would not be recognized.
    text = secret.hide_in(text) if secret is not None else text
    text = _LONG_RUN.sub("…", " ".join(text.split()))
    return "".join(letter for letter in text if letter.isprintable())[:EXCERPT]


def document(content: bytes) -> dict[str, Any]:
    """The JSON object in an answer, empty if there is none."""
    try:
        answer = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}
