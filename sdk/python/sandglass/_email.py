"""Mail to the addresses that the job was granted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Sequence

from wit_world.imports import email as _host

from ._error import host


@dataclass(frozen=True)
class Attachment:
    """A file that goes with a message: its name without a path, its media type, and its content."""

    file_name: str
    content_type: str
    content: bytes | str


def send(
    *,
    to: str | Sequence[str],
    subject: str,
    text: str | None = None,
    html: str | None = None,
    cc: str | Sequence[str] = (),
    bcc: str | Sequence[str] = (),
    reply_to: str | None = None,
    attachments: Sequence[Attachment] = (),
) -> str:
    """Puts the message in the outbox when the attempt commits, and returns its Message-ID."""
    files = [
        _host.Attachment(file.file_name, file.content_type, _bytes(file.content)) for file in attachments
    ]
    message = _host.Message(_list(to), _list(cc), _list(bcc), reply_to, subject, text, html, files)
    with host():
        return _host.send(message)


def _bytes(content: bytes | str) -> bytes:
    return content.encode() if isinstance(content, str) else bytes(content)


def _list(addresses: str | Sequence[str]) -> list[str]:
    return [addresses] if isinstance(addresses, str) else list(addresses)
