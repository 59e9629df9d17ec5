"""Jobs for Sandglass, in Python.

    import sandglass

    @sandglass.job
    def run(ctx: sandglass.Context) -> str:
        sessions = ctx.table("sessions")
        deleted = sessions.query().filter("last_seen", "lt", ctx.scheduled_for - timedelta(days=30)).delete()
        return f"deleted {deleted} rows"

The module is made a component by componentize-py. Rows and emails of an attempt are kept apart until the job
returns, and are then committed in one step with the run's success; where it raises, they are dropped. What is
raised becomes the run's failure: a `Failure` as it says, an `Error` of the host with another attempt where it may
pass, and anything else without one.
"""

from ._context import Context
from ._email import Attachment
from ._entry import job
from ._error import Error, Failure
from ._http import Response
from ._log import log
from ._table import Page, Query, Row, Table

__all__ = [
    "Attachment",
    "Context",
    "Error",
    "Failure",
    "Page",
    "Query",
    "Response",
    "Row",
    "Table",
    "job",
    "log",
]
