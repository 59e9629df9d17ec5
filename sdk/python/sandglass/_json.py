"""JSON as rows have it: instants are RFC 3339 text in UTC."""

from __future__ import annotations

import json
from datetime import date, datetime, timezone
from typing import Any

from ._error import Error



def instant(millis: int) -> datetime:
    """The instant so many milliseconds after 1970, in UTC."""
    # Not fromtimestamp(), which rounds.
    seconds, rest = divmod(millis, 1000)
    return datetime.fromtimestamp(seconds, timezone.utc).replace(microsecond=rest * 1000)


def text(value: Any) -> str:
    """The JSON text of a value. Integers keep all their digits. `Error` of the code invalid where it has none."""
    try:
        return json.dumps(value, default=_other, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError) as error:
        raise Error("invalid", f"this value has no JSON: {error}") from None


def _other(value: Any) -> Any:
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise TypeError(f"{value!r} has no time zone")
        return value.astimezone(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no JSON")
