// Bundles the portal into ../dist, which the crate embeds: each file beside a compressed copy of itself, all but
// the page under names that change with their bytes.

import { createHash } from "node:crypto";
import { mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const dist = new URL("../dist/", import.meta.url);
/** Script and style together, compressed. */
const BYTES_MAX = 250_000;

const { outputFiles } = await build({
  entryPoints: ["src/main.tsx"],
  absWorkingDir: new URL(".", import.meta.url).pathname,
  bundle: true,
  minify: true,
  write: false,
  outdir: "out",
  format: "esm",
  target: ["chrome120", "firefox120", "safari17.4"],
  jsx: "automatic",
  jsxImportSource: "preact",
  legalComments: "none",
  logLevel: "warning",
});

await mkdir(new URL("assets/", dist), { recursive: true });

/** What belongs into the folder, beside what git keeps of it so that cargo has something to watch. */
const kept = new Set([".gitignore", "assets"]);
let compressed = 0;

/** Writes a file that is not there yet: one that stays as it was makes cargo build nothing. */
async function write(name, bytes) {
  kept.add(name);
  const place = new URL(name, dist);
  const there = await readFile(place).catch(() => undefined);
  if (!there || !Buffer.from(bytes).equals(there)) await writeFile(place, bytes);
}

/** A file and its compressed copy. */
async function emit(name, bytes) {
  const gzip = gzipSync(bytes, { level: 9 });
  await write(name, bytes);
  await write(`${name}.gz`, gzip);
  compressed += gzip.length;
}

async function asset(base, extension, bytes) {
  const hash = createHash("sha256").update(bytes).digest("hex").slice(0, 12);
  const name = `${base}-${hash}.${extension}`;
  await emit(`assets/${name}`, bytes);
  return name;
}

const output = (extension) => outputFiles.find((file) => file.path.endsWith(extension)).contents;
const script = await asset("portal", "js", output(".js"));
const style = await asset("portal", "css", output(".css"));
const icon = await asset("icon", "svg", await readFile(new URL("src/icon.svg", import.meta.url)));
const page = await readFile(new URL("src/index.html", import.meta.url), "utf8");
await emit("index.html", page.replace("SCRIPT", script).replace("STYLE", style).replace("ICON", icon));

for (const name of await readdir(dist, { recursive: true })) {
  if (!kept.has(name)) await rm(new URL(name, dist));
}

console.log(`portal: ${(compressed / 1000).toFixed(1)} KB compressed`);
if (compressed > BYTES_MAX) {
  console.error(`the portal has ${compressed} bytes compressed, and must have at most ${BYTES_MAX}`);
  process.exit(1);
}
