"""The run that is going on, as its job sees it."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from wit_world.imports import secret as _secret
from wit_world.imports import this_run as _host

from . import _email, _http
from ._error import Error, host
from ._json import instant
from ._table import Table


class Context:
    """The run that is going on, and what its job may do: the one argument of a job."""

    def __init__(self, input: str | None) -> None:
        #: The JSON text that the caller of a manual or webhook run sent, None for a scheduled one.
        self.input_text = input

    @property
    def job(self) -> str:
        """The job's name."""
        return _host.job()

    @property
    def run_id(self) -> str:
        """The run's id, the same for every attempt: an idempotency key for the outside world."""
        return _host.run_id()

    @property
    def attempt(self) -> int:
        """1 for the first attempt."""
        return _host.attempt()

    @property
    def trigger(self) -> str:
        """What asked for the run: schedule, catch-up, backfill, manual, webhook, try, or one that is new."""
        return _host.trigger()

    @property
    def scheduled_for(self) -> datetime:
        """The occurrence that this run stands for; for a manual or webhook run, when it was asked for."""
        return instant(_host.scheduled_for())

    @property
    def last_success(self) -> datetime | None:
        """The occurrence of the newest run that succeeded, None before the first."""
        millis = _host.last_success()
        return None if millis is None else instant(millis)

    @property
    def deadline(self) -> datetime:
        """When the attempt will be ended as a timeout."""
        return instant(_host.deadline())

    def now(self) -> datetime:
        """The host's wall clock. It can jump: measure durations with `time.monotonic`."""
        return instant(_host.now())

    @property
    def input(self) -> Any:
        """The input, parsed; None where there is none."""
        if self.input_text is None:
            return None
        try:
            return json.loads(self.input_text)
        except ValueError as error:
            raise Error("invalid", f"the run's input is not JSON: {error}") from None

    def setting(self, name: str, otherwise: str | None = None) -> str | None:
        """A value of the specification's `[env]`, or `otherwise`."""
        value = _host.setting(name)
        return otherwise if value is None else value

    @property
    def progress(self) -> str | None:
        """What the newest checkpoint of this run left, in this attempt or one before it."""
        return _host.progress()

    def checkpoint(self, progress: str | None) -> None:
        """Commits what the attempt wrote so far, and its emails, together with `progress`. It returns once that is
        durable: the next attempt of the run starts from here. Where the commit cannot be had, it does not return."""
        _host.checkpoint(progress)

    def table(self, name: str) -> Table:
        """Opens a table. denied where the job has no grant for it."""
        return Table(name)

    def email(self, **message: Any) -> str:
        """Sends mail when the attempt commits: to, cc, bcc, reply_to, subject, text, html, attachments. Returns its
        Message-ID."""
        return _email.send(**message)

    def http(self, method: str, url: str, **options: Any) -> _http.Response:
        """Sends a request and waits for the whole answer: headers, body, json, timeout_ms."""
        return _http.send(method, url, **options)

    def secret(self, name: str) -> str:
        """A secret's newest value. denied where it is not granted, or was never set."""
        with host():
            return _secret.get(name)
