"""Mails last month's orders as CSV: a line for each customer, the largest first."""

import csv
import io
from collections import defaultdict
from datetime import datetime, timedelta
from decimal import Decimal

import sandglass
from sandglass import Attachment, Context, log


def month_before(instant: datetime) -> tuple[datetime, datetime]:
    """The beginning and the end of the month before the one that an instant is in, in UTC."""
    end = instant.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return (end - timedelta(days=1)).replace(day=1), end


@sandglass.job
def run(ctx: Context) -> str:
    begin, end = month_before(ctx.scheduled_for)
    orders = ctx.table("orders").query().filter("at", "ge", begin).filter("at", "lt", end)
    totals: dict[str, Decimal] = defaultdict(Decimal)
    counts: dict[str, int] = defaultdict(int)
    for order in orders:
        customer = order.fields["customer"]
        totals[customer] += Decimal(str(order.fields["total"]))
        counts[customer] += 1
    report = io.StringIO()
    writer = csv.writer(report, lineterminator="\n")
    writer.writerow(["customer", "orders", "total"])
    for customer, total in sorted(totals.items(), key=lambda entry: (-entry[1], entry[0])):
        writer.writerow([customer, counts[customer], f"{total:.2f}"])
    month = f"{begin:%Y-%m}"
    log.info(f"{sum(counts.values())} orders in {month}")
    ctx.email(
        to=ctx.setting("REPORT_TO", "sales@example.com"),
        subject=f"Orders of {month}",
        text=f"{sum(counts.values())} orders of {len(counts)} customers, {sum(totals.values()):.2f} in all.",
        attachments=[Attachment(f"orders-{month}.csv", "text/csv", report.getvalue())],
    )
    return f"{month}: {sum(counts.values())} orders of {len(counts)} customers"
