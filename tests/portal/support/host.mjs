// A host of the real binary, with a data folder of its own.

import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { once } from "node:events";

const root = new URL("../../../", import.meta.url).pathname;
const binary = process.env.SANDGLASS_BINARY ?? join(root, "target/debug/sandglass");

/** The path of a job that `cargo xtask guests` built. */
export const guest = (name) =>
  join(process.env.SANDGLASS_GUESTS ?? join(root, "target/guests"), `${name}.wasm`);

export class Host {
  /** Starts a host on a port that is free, with more in its environment. */
  static async start(environment = {}) {
    const host = new Host();
    host.environment = environment;
    host.data = await mkdtemp(join(tmpdir(), "sandglass-portal-"));
    await host.#serve("127.0.0.1:0");
    host.token = (await readFile(join(host.data, "token"), "utf8")).trim();
    return host;
  }

  async #serve(listen) {
    this.process = spawn(binary, ["serve", "--data", this.data, "--listen", listen], {
      stdio: ["ignore", "pipe", "inherit"],
      env: { ...process.env, SANDGLASS_LOG: "error", ...this.environment },
    });
    const lines = createInterface({ input: this.process.stdout });
    for await (const line of lines) {
      const link = /http:\S+#sign-in=\S+/.exec(line);
      if (link) this.link = link[0];
      const listening = /listening on (\S+)/.exec(line);
      if (listening) {
        this.url = listening[1];
        break;
      }
    }
    if (!this.url) throw new Error("the host ended before it listened");
    // A pipe that nobody reads would stop the host once it is full.
    this.process.stdout.resume();
  }

  async stop() {
    this.process.kill("SIGTERM");
    if (this.process.exitCode === null && this.process.signalCode === null) await once(this.process, "exit");
  }

  /** As a power failure would. */
  async kill() {
    this.process.kill("SIGKILL");
    if (this.process.signalCode === null) await once(this.process, "exit");
  }

  /** Comes back at the same address. */
  async startAgain() {
    await this.#serve(new URL(this.url).host);
  }

  async end() {
    await this.stop();
    await rm(this.data, { recursive: true, force: true });
  }

  /** A request with the token; an object is sent as JSON, and JSON comes back as an object. */
  async api(method, path, body, headers = {}) {
    const isRaw = body === undefined || typeof body === "string" || body instanceof Uint8Array;
    const response = await fetch(`${this.url}/v1${path}`, {
      method,
      headers: {
        Authorization: `Bearer ${this.token}`,
        ...(isRaw ? {} : { "Content-Type": "application/json" }),
        ...headers,
      },
      body: isRaw ? body : JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return response.headers.get("content-type")?.includes("application/json") ? JSON.parse(text) : text;
  }

  /** Uploads a guest, and gives its digest. */
  async upload(name) {
    return (
      await this.api("POST", "/components", await readFile(guest(name)), {
        "Content-Type": "application/wasm",
      })
    ).digest;
  }

  run(job, input) {
    return this.api("POST", `/jobs/${job}/runs?wait=60s`, input === undefined ? {} : { input });
  }
}
