"""Why a call to the host was not done, and how a job says that its work failed."""

from __future__ import annotations

from contextlib import contextmanager
from typing import Iterator

from componentize_py_types import Err

_FINAL = ("denied", "not-found", "conflict", "invalid", "quota")


class Error(Exception):
    """Why a call was not done. The attempt goes on: the job decides what it means to it.

    `code` is one of denied, not-found, conflict, invalid, quota, unavailable; treat one that is new to you as
    unavailable. `message` says what was wrong, with what, and what to do.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message

    @property
    def retriable(self) -> bool:
        """Whether the same call may work in a later attempt."""
        return self.code not in _FINAL


class Failure(Exception):
    """Raised by a job whose work failed. `retry` says whether another attempt is worth it."""

    def __init__(self, message: str, *, retry: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.retry = retry


@contextmanager
def host() -> Iterator[None]:
    """Calls the host within: what it answers as an error is raised as an `Error`."""
    try:
        yield
    except Err as told:
        raise Error(told.value.code, told.value.message) from None
