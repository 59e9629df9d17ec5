"""A mail server that says what it does, as NDJSON on standard output: aiosmtpd, in the clear.

    server.py --port 0

What it answers follows from what a recipient's address begins with: see `Handler`. A message is told before it is
acknowledged, so that whoever kills this process knows what it has taken.
"""

import argparse
import asyncio
import base64
import collections
import json

from aiosmtpd.smtp import SMTP


def say(event, **members):
    print(json.dumps({"event": event, **members}), flush=True)


class Handler:
    """`never@`: refused. `once@`: refused the first time. `later@`: not for now the first time. `spam@`: refused once
    the message is there. Everybody else is taken."""

    def __init__(self):
        self.asked = collections.Counter()

    async def handle_RCPT(self, server, session, envelope, address, options):
        self.asked[address] += 1
        is_first = self.asked[address] == 1
        if address.startswith("never") or (address.startswith("once") and is_first):
            return "550 5.1.1 there is nobody of this name"
        if address.startswith("later") and is_first:
            return "451 4.7.1 come back later"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 ok"

    async def handle_DATA(self, server, session, envelope):
        if any(to.startswith("spam") for to in envelope.rcpt_tos):
            return "554 5.7.1 this is not wanted here"
        data = base64.b64encode(envelope.original_content).decode()
        say("message", sender=envelope.mail_from, to=envelope.rcpt_tos, data=data, user=None, secure=False)
        return "250 2.0.0 taken"


async def serve(port):
    handler = Handler()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(handler, hostname="mail.test"), "127.0.0.1", port)
    say("listening", port=server.sockets[0].getsockname()[1])
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    asyncio.run(serve(parser.parse_args().port))
