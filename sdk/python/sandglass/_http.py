"""Requests to the hosts that the job was granted."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Iterable, Mapping

from wit_world.imports import http as _host

from . import _json
from ._error import host


@dataclass(frozen=True)
class Response:
    """An answer, whatever its status. Redirects are answers too: they are not followed."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def ok(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300

    def header(self, name: str) -> str | None:
        """The first header of a name, however it is spelt."""
        return next((value for there, value in self.headers if there.lower() == name.lower()), None)

    def text(self) -> str:
        """The body as UTF-8."""
        return self.body.decode()

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


def send(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | Iterable[tuple[str, str]] = (),
    body: bytes | str | None = None,
    json: Any = None,
    timeout_ms: int | None = None,
) -> Response:
    """Sends a request and waits for the whole answer. `json` is sent as the body, with its content type."""
    pairs = list(headers.items() if isinstance(headers, Mapping) else headers)
    if json is not None:
        pairs.append(("content-type", "application/json"))
        body = _json.text(json)
    if isinstance(body, str):
        body = body.encode()
    with host():
        answer = _host.send(_host.Request(method, url, pairs, body, timeout_ms))
    return Response(answer.status, list(answer.headers), bytes(answer.body))
