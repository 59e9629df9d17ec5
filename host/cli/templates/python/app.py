"""Greets whom the run's input names, and counts how often."""

import sandglass
from sandglass import Context, log


@sandglass.job
def run(ctx: Context) -> str:
    name = (ctx.input or {}).get("name", "world")
    greetings = ctx.table("greetings")
    row = greetings.get(name)
    before = row.fields["count"] if row else 0
    greetings.put(name, {"count": before + 1})
    log.info(f"greeting {name} for the {before + 1}. time")
    return f"Hello, {name}!"
