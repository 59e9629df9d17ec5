// A mail server that says what it does, as NDJSON on standard output: smtp-server, with TLS and authentication.
//
//     node server.mjs --port 0 --tls starttls|implicit --cert FILE --key FILE --user NAME --password WORD

import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { SMTPServer } from "smtp-server";

const text = { type: "string" };
const { values } = parseArgs({
  options: { port: text, tls: text, cert: text, key: text, user: text, password: text },
});

const say = (event, members) => process.stdout.write(JSON.stringify({ event, ...members }) + "\n");

const refusal = (code, message) => Object.assign(new Error(message), { responseCode: code });

const server = new SMTPServer({
  secure: values.tls === "implicit",
  cert: readFileSync(values.cert),
  key: readFileSync(values.key),
  authMethods: ["PLAIN", "LOGIN"],
  // So that a client which asks for no encryption finds out, and does not wait for the name of its address.
  disableReverseLookup: true,
  onAuth({ username, password }, session, done) {
    if (!session.secure) {
      return done(refusal(530, "5.7.0 not in the clear"));
    }
    if (username !== values.user || password !== values.password) {
      // What a careless server sends back must not be kept.
      return done(refusal(535, `5.7.8 not with ${password}`));
    }
    done(null, { user: username });
  },
  onData(stream, session, done) {
    const pieces = [];
    stream.on("data", (piece) => pieces.push(piece));
    stream.on("end", () => {
      say("message", {
        sender: session.envelope.mailFrom.address,
        to: session.envelope.rcptTo.map((to) => to.address),
        data: Buffer.concat(pieces).toString("base64"),
        user: session.user ?? null,
        secure: session.secure,
      });
      done(null, "2.0.0 taken");
    });
  },
});
// A client that does not believe the certificate hangs up: that is what is tried.
server.on("error", () => {});
server.listen(Number(values.port), "127.0.0.1", () =>
  say("listening", { port: server.server.address().port }),
);
