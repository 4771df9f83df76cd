"""Pauses that a provider asks for: in a header, or somewhere in what it says."""

import email.utils
import math
import re
import time
from collections.abc import Mapping
from typing import Any

LONGEST_PAUSE_SECONDS = 86_400.0

_WORDS = re.compile(
    r"(?:try again|retry|resets?|wait|available)\b[^0-9.]{0,40}"
    r"(?:(?P<hours>\d{1,3})\s?h(?:ours?)?\s?)?"
    r"(?:(?P<minutes>\d{1,4})\s?m(?:in(?:ute)?s?)?(?![a-z])\s?)?"
    r"(?:(?P<seconds>\d{1,6}(?:\.\d{1,9})?)\s?(?P<unit>ms|milliseconds|s\b|secs?\b|seconds?\b))?",
    re.IGNORECASE,
)
_SPAN = re.compile(r"\d{1,8}(\.\d{1,9})?s")
"""How Google writes a duration, e.g. 22s."""


def pause(headers: Mapping[str, str], found: Mapping[str, Any], *, now: float | None = None) -> float | None:
    """The seconds for which no call is wanted, told by a header or by the answer; None if neither says.

    `headers` know no difference between small and large letters, as those of an HTTP client do.
    """
    told = retry_after(headers.get("Retry-After"), now=now)
    if told is None and (thousandths := retry_after(headers.get("Retry-After-Ms"), now=now)) is not None:
        told = thousandths / 1_000
    return told if told is not None else _said(found)


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
    return _bounded(seconds)


def _said(found: Mapping[str, Any]) -> float | None:
    """The pause in an answer: as a number, as a duration among details, or in words."""
    error = found.get("error")
    for part in (found, error if isinstance(error, dict) else {}):
        for field in ("retry_after", "retryAfter", "retry_after_seconds", "estimated_time"):
            value = part.get(field)
            if isinstance(value, int | float) and not isinstance(value, bool):
                return _bounded(float(value))
        details = part.get("details")
        for detail in details if isinstance(details, list) else []:
            delay = detail.get("retryDelay") if isinstance(detail, dict) else None
            if isinstance(delay, str) and _SPAN.fullmatch(delay):
                return _bounded(float(delay[:-1]))
    for part in (found, error if isinstance(error, dict) else {"message": error}):
        for field in ("message", "detail"):
            text = part.get(field)
            if isinstance(text, str) and (seconds := in_words(text[:1_000])) is not None:
                return seconds
    return None


def in_words(text: str) -> float | None:
    """The pause in a sentence such as "Please try again in 6m0.5s." """
    for match in _WORDS.finditer(text):
        hours, minutes, seconds = match["hours"], match["minutes"], match["seconds"]
        if hours is None and minutes is None and seconds is None:
            continue
        last = float(seconds or 0) / (1_000 if (match["unit"] or "").lower().startswith("m") else 1)
        return _bounded(int(hours or 0) * 3_600 + int(minutes or 0) * 60 + last)
    return None


def _bounded(seconds: float) -> float | None:
    if not math.isfinite(seconds) or seconds < 0:
        return None
    return min(seconds, LONGEST_PAUSE_SECONDS)
