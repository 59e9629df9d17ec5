"""Every call of the contract, and what came of each: ../../../guests/conformance in Python."""

from datetime import datetime, timezone

import sandglass
from sandglass import Attachment, Context, Error, Failure, log


class Lines:
    def __init__(self) -> None:
        self.text = ""

    def add(self, name: str, value: object) -> None:
        value = str(value).lower() if isinstance(value, bool) else value
        self.text += f"{name}={'none' if value is None else value}\n"

    def code(self, name: str, work) -> None:
        try:
            work()
            self.add(name, "ok")
        except Error as error:
            self.add(name, error.code)


def ids(rows) -> str:
    return ",".join(row.id for row in rows)


@sandglass.job
def run(ctx: Context) -> str:
    if ctx.progress is not None:
        return f"{ctx.progress}attempt={ctx.attempt}"
    lines = Lines()
    this_run(ctx, lines)
    rows(ctx, lines)
    queries(ctx, lines)
    others(ctx, lines)
    ctx.checkpoint(lines.text)
    lines.add("kept", ctx.progress == lines.text)
    ctx.checkpoint(lines.text)
    raise Failure("again", retry=True)


def this_run(ctx: Context, lines: Lines) -> None:
    lines.add("job", ctx.job)
    lines.add("run-id", len(ctx.run_id))
    lines.add("attempt", ctx.attempt)
    lines.add("trigger", ctx.trigger)
    lines.add("scheduled-for", ctx.scheduled_for <= ctx.now())
    lines.add("last-success", ctx.last_success)
    lines.add("deadline", ctx.deadline > ctx.now())
    lines.add("setting", ctx.setting("CITY"))
    lines.add("no-setting", ctx.setting("NOTHING"))
    lines.add("input", ctx.input_text)
    lines.add("progress", ctx.progress)
    for level in ("trace", "debug", "info", "warn", "error"):
        getattr(log, level)(f"{level} ü")


def rows(ctx: Context, lines: Lines) -> None:
    items = ctx.table("items")
    at = datetime(2026, 1, 31, 8, 30, 0, 123_000, timezone.utc)
    row = {"n": 9007199254740993, "text": "Grüße 🌍", "at": at}
    lines.code("insert", lambda: items.insert(row, "a"))
    lines.code("insert-again", lambda: items.insert(row, "a"))
    lines.add("insert-made", len(items.insert({"n": 1})) > 0)
    there = items.get("a")
    lines.add("get", f"{there.fields['n']} {there.fields['text']} {there.fields['at']}")
    lines.add("get-version", there.version)
    lines.add("get-instants", there.created_at == there.updated_at <= ctx.now())
    lines.add("get-missing", items.get("nobody"))
    lines.code("update", lambda: items.update("a", {"extra": True, "text": None}))
    there = items.get("a")
    lines.add("updated", f"{str(there.fields['extra']).lower()} {str('text' in there.fields).lower()}")
    lines.code("update-missing", lambda: items.update("nobody", {}))
    lines.code("update-version", lambda: items.update("a", {}, if_version=7))
    lines.code("put", lambda: items.put("b", {"n": 2}))
    items.put("large", {"text": "x" * int(ctx.setting("LARGE"))})
    lines.add("large", len(items.get("large").fields["text"]))
    lines.code("too-large", lambda: items.put("large", {"text": "x" * 300_000}))
    lines.code("delete-version", lambda: items.delete("b", if_version=7))
    lines.add("delete", items.delete("b"))
    lines.add("delete-again", items.delete("b"))


def queries(ctx: Context, lines: Lines) -> None:
    items = ctx.table("items")
    for n in range(5):
        items.put(f"q{n}", {"n": n, "kind": "q"})

    def of_kind():
        return items.query().filter("kind", "eq", "q")

    def largest():
        return of_kind().filter("n", "ge", 1).order_by("n", descending=True).limit(2)

    page = largest().page()
    lines.add("page", f"{ids(page.rows)} {str(page.next is not None).lower()}")
    lines.add("page-after", ids(largest().after(page.next).page().rows))
    either = of_kind().filter("n", "lt", 1).either().filter("n", "gt", 3).filter("kind", "eq", "q").order_by("id")
    lines.add("or", ids(either))
    lines.add("first", of_kind().order_by("id", descending=True).first().id)
    lines.add("in", of_kind().filter("n", "in", [0, 2]).count())
    lines.add("exists", items.query().filter("kind", "exists", True).count())
    lines.add("starts-with", items.query().filter("id", "starts-with", "q").count())
    later = datetime(2026, 1, 31, 8, 30, 0, 124_000, timezone.utc)
    lines.add("instant", items.query().filter("at", "lt", later).count())
    lines.code("bad-value", lambda: items.query().filter("n", "in", 5).count())
    lines.add("delete-up-to", of_kind().delete_up_to(2))
    lines.add("delete-where", of_kind().delete())
    many(ctx, lines)
    lines.code("denied-table", lambda: ctx.table("others"))
    read_only = ctx.table("readonly")
    lines.add("read-only", read_only.query().count())
    lines.code("denied-write", lambda: read_only.insert({}))


def many(ctx: Context, lines: Lines) -> None:
    """More rows than a page has, where the test says so."""
    items = ctx.table("items")
    for n in range(int(ctx.setting("MANY"))):
        items.put(f"m{n}", {"n": n, "kind": "m", "text": "x" * 1000})

    def of_kind():
        return items.query().filter("kind", "eq", "m")

    numbers = [row.fields["n"] for row in of_kind().order_by("n")]
    lines.add("many", f"{len(numbers)} {sum(numbers)}")
    lines.add("many-gone", of_kind().delete())


def others(ctx: Context, lines: Lines) -> None:
    message = {"subject": "Grüße 🌍", "text": "Hello", "html": "<p>Hello", "reply_to": "ops@example.com"}
    lines.code("email-denied", lambda: ctx.email(to="somebody@example.org", **message))
    lines.code("email-invalid", lambda: ctx.email(to=[], **message))
    id = ctx.email(
        to=["Team <team@example.com>"],
        cc="team@example.com",
        bcc="team@example.com",
        attachments=[Attachment("a.txt", "text/plain", "ü")],
        **message,
    )
    lines.add("email", len(id) > 0)
    lines.code("email-quota", lambda: ctx.email(to="team@example.com", **message))
    lines.add("secret", len(ctx.secret("API_KEY")))
    lines.code("secret-denied", lambda: ctx.secret("OTHER_KEY"))
    request = {"headers": {"x-a": "b"}, "body": "ü"}
    lines.code("http-denied", lambda: ctx.http("POST", "http://denied.example/", **request))
    answer = ctx.http("POST", ctx.setting("ECHO"), timeout_ms=10_000, **request)
    lines.add("http", f"{answer.status} {answer.header('X-A')} {answer.text()}")
    lines.code("http-unavailable", lambda: ctx.http("GET", ctx.setting("GONE")))
