// Runs the tests that stand beside the sources, each bundled for Node.

import { spawnSync } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";

const source = new URL("src/", import.meta.url).pathname;
const tests = (await readdir(source, { recursive: true })).filter((name) => name.endsWith(".test.ts"));
const outdir = await mkdtemp(join(tmpdir(), "sandglass-portal-"));
await build({
  entryPoints: tests.map((name) => join(source, name)),
  bundle: true,
  platform: "node",
  format: "esm",
  outExtension: { ".js": ".mjs" },
  outdir,
  jsx: "automatic",
  jsxImportSource: "preact",
  logLevel: "warning",
});
const files = (await readdir(outdir, { recursive: true }))
  .filter((name) => name.endsWith(".mjs"))
  .map((name) => join(outdir, name));
const { status } = spawnSync(process.execPath, ["--test", "--test-reporter=spec", ...files], {
  stdio: "inherit",
  env: { ...process.env, TZ: "Europe/Zurich" },
});
await rm(outdir, { recursive: true });
process.exit(status ?? 1);
