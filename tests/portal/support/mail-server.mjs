// A mail server that says what a test wants of each recipient, and keeps nothing.

import { once } from "node:events";
import { createServer } from "node:net";
import { createInterface } from "node:readline";

const TAKEN = "250 ok";

export class MailServer {
  /** `answer` has the reply for an address; none means that it is taken. */
  static async start(answer) {
    const server = new MailServer();
    server.answer = answer;
    server.listener = createServer((socket) => server.#converse(socket)).listen(0, "127.0.0.1");
    await once(server.listener, "listening");
    return server;
  }

  /** What a host needs to know of it. */
  get environment() {
    return {
      SANDGLASS_SMTP_HOST: "127.0.0.1",
      SANDGLASS_SMTP_PORT: String(this.listener.address().port),
      SANDGLASS_SMTP_TLS: "none",
      SANDGLASS_SMTP_FROM: "sandglass@example.com",
    };
  }

  #converse(socket) {
    const say = (line) => socket.write(`${line}\r\n`);
    let isData = false;
    createInterface({ input: socket }).on("line", (line) => {
      if (isData) {
        if (line !== ".") return;
        isData = false;
        return say("250 2.0.0 taken");
      }
      const address = /^RCPT TO:<(.*?)>/.exec(line)?.[1];
      if (address) return say(this.answer(address) ?? TAKEN);
      isData = line === "DATA";
      say(isData ? "354 go on" : line === "QUIT" ? "221 bye" : TAKEN);
    });
    socket.on("error", () => {});
    say("220 mail.test");
  }

  end() {
    this.listener.close();
  }
}
