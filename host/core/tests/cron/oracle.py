"""Answers lines of [zone, expression, start, count] with the next occurrences, in seconds since 1970.

null stands for an expression that is refused, and a last occurrence of null for a search that does not end. A
line of [zone, [instant, ...]] is answered with how many seconds the clock is ahead of UTC at each. Zones come
from the package tzdata, whatever the system has.
"""

import json
import sys
import zoneinfo
from datetime import datetime

import tzdata
from cronsim import CronSim, CronSimError

# A search takes at most one for each hour of a day, minute of an hour and second of a minute, a few times over.
TICKS_MAX = 2_000


class Endless(Exception):
    pass


class Bounded(CronSim):
    """CronSim, but for a search that would not end."""

    ticks = 0

    def tick(self, seconds=1):
        self.ticks += 1
        if self.ticks > TICKS_MAX:
            raise Endless
        super().tick(seconds)


def occurrences(zone, expression, start, count):
    try:
        search = Bounded(expression, datetime.fromtimestamp(start, zone))
    except CronSimError:
        return None
    found = []
    try:
        for at in search:
            found.append(int(at.timestamp()))
            search.ticks = 0
            if len(found) == count:
                break
    except Endless:
        found.append(None)
    return found


def offsets(zone, instants):
    return [int(datetime.fromtimestamp(at, zone).utcoffset().total_seconds()) for at in instants]


def main():
    zoneinfo.reset_tzpath(to=())
    print(json.dumps(tzdata.IANA_VERSION), flush=True)
    for line in sys.stdin:
        zone, *question = json.loads(line)
        zone = zoneinfo.ZoneInfo(zone)
        answer = offsets(zone, *question) if len(question) == 1 else occurrences(zone, *question)
        print(json.dumps(answer), flush=True)


main()
