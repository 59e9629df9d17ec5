"""Tables: rows of JSON objects."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Iterator

from wit_world.imports import table as _host

from . import _json
from ._error import host

_ALL = 0xFFFF_FFFF


@dataclass(frozen=True)
class Row:
    """One row. `version` is 0 while it is not committed."""

    id: str
    version: int
    created_at: datetime
    updated_at: datetime
    fields: dict[str, Any]


@dataclass(frozen=True)
class Page:
    """One page of a query's answer. `next` is for `Query.after`, None after the last."""

    rows: list[Row]
    next: str | None


class Table:
    """A table that the job was granted. It may not exist yet: the first insert makes it."""

    def __init__(self, name: str) -> None:
        self.name = name
        with host():
            self._host = _host.open(name)

    def insert(self, fields: dict[str, Any], id: str | None = None) -> str:
        """Adds a row and returns its id: the one given, or one made. conflict where it is there."""
        with host():
            return self._host.insert(_json.text(fields), id)

    def get(self, id: str) -> Row | None:
        """One row by its id, None where there is no such row."""
        with host():
            row = self._host.get(id)
        return None if row is None else _row(row)

    def put(self, id: str, fields: dict[str, Any]) -> None:
        """Puts a row under an id, in place of what is there."""
        with host():
            self._host.put(id, _json.text(fields))

    def update(self, id: str, changes: dict[str, Any], *, if_version: int | None = None) -> None:
        """Merges members into a row (RFC 7396: None removes one). not-found where there is no such row, conflict
        where `if_version` is not its version."""
        with host():
            self._host.update(id, _json.text(changes), if_version)

    def delete(self, id: str, *, if_version: int | None = None) -> bool:
        """Deletes a row and says whether there was one."""
        with host():
            return self._host.delete(id, if_version)

    def query(self) -> Query:
        """Begins a query of every row."""
        return Query(self._host)


class Query:
    """Which rows of a table, in which order. Conditions that follow one another must all hold; `either` begins
    another group of them, and a row matches where one group does."""

    def __init__(self, table: _host.Table) -> None:
        self._table = table
        self._groups: list[list[_host.Condition]] = [[]]
        self._order: list[_host.Order] = []
        self._limit: int | None = None
        self._cursor: str | None = None

    def filter(self, field: str, operator: str, value: Any) -> Query:
        """Only rows whose member compares so with a value. Operators: eq, ne, lt, le, gt, ge, starts-with, in
        (a list), exists (a boolean)."""
        self._groups[-1].append(_host.Condition(field, operator, _json.text(value)))
        return self

    def either(self) -> Query:
        """Begins another group of conditions. A group without conditions does not count."""
        self._groups.append([])
        return self

    def order_by(self, field: str, *, descending: bool = False) -> Query:
        """Orders by a member, smallest first; rows that are equal by it by the next, and at last by id."""
        self._order.append(_host.Order(field, descending))
        return self

    def limit(self, rows: int) -> Query:
        """At most so many rows."""
        self._limit = rows
        return self

    def after(self, cursor: str) -> Query:
        """Begins where a page of the same filter and order ended."""
        self._cursor = cursor
        return self

    def page(self) -> Page:
        """One page: one consistent view of the table. Up to 1,000 rows, 4 MiB together."""
        return self._page(self._cursor, self._limit or 0)

    def __iter__(self) -> Iterator[Row]:
        cursor, left = self._cursor, self._limit
        while left is None or left > 0:
            page = self._page(cursor, left or 0)
            for row in page.rows if left is None else page.rows[:left]:
                yield row
            cursor = page.next
            if cursor is None:
                return
            left = None if left is None else left - len(page.rows)

    def first(self) -> Row | None:
        """The first row, None where none matches."""
        return next(iter(self.limit(1)), None)

    def count(self) -> int:
        """How many rows match, whatever the limit."""
        with host():
            return self._table.count(self._filter())

    def delete(self) -> int:
        """Deletes every row that matches and says how many. quota where they are more than one commit may write:
        then `delete_up_to` and a checkpoint, again and again."""
        with host():
            return self._table.delete_where(self._filter(), _ALL)

    def delete_up_to(self, rows: int) -> int:
        """Deletes so many of the rows that match, in the order of their ids, and says how many it were."""
        if rows <= 0:
            return 0
        with host():
            return self._table.delete_where(self._filter(), rows)

    def _filter(self) -> list[list[_host.Condition]]:
        return [group for group in self._groups if group]

    def _page(self, cursor: str | None, limit: int) -> Page:
        with host():
            page = self._table.query(_host.Query(self._filter(), self._order, limit, cursor))
        return Page([_row(row) for row in page.rows], page.next)


def _row(row: _host.Row) -> Row:
    created, updated = _json.instant(row.created_at), _json.instant(row.updated_at)
    return Row(row.id, row.version, created, updated, json.loads(row.fields))
