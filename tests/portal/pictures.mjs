// Pictures of each page, light, dark and narrow, for docs/images/portal: `cargo xtask portal --pictures`.

import { mkdir, writeFile } from "node:fs/promises";
import { launch, signIn, visit } from "./support/browser.mjs";
import { Host, guest } from "./support/host.mjs";
import { mailServer, pages, seed, settled } from "./support/seed.mjs";

const folder = new URL("../../docs/images/portal/", import.meta.url).pathname;
const BYTES_MAX = 150_000;
const VIEWS = {
  light: { colorScheme: "light", viewport: { width: 1180, height: 760 } },
  dark: { colorScheme: "dark", viewport: { width: 1180, height: 760 } },
  narrow: { colorScheme: "light", viewport: { width: 400, height: 760 } },
};
/** Plots move for a moment. */
const PAUSE_MS = 700;
const ROUNDS = 9;

/** Something for the host's plot, which begins with nothing: more in each second, and less again. */
async function work(page) {
  for (let round = 0; round < ROUNDS; round++) {
    const runs = 5 + 20 * Math.sin((Math.PI * round) / ROUNDS);
    for (let run = 0; run < runs; run++) await host.run("heartbeat");
    await page.waitForTimeout(2000);
  }
}

/** What is done with a page before its picture is taken. */
const PREPARED = {
  create: async (page) => {
    await page.locator("#component-file").setInputFiles(guest("cleanup_tables"));
    await page.getByText("A valid component").waitFor();
  },
  host: work,
};

/** The browser writes smaller files than its screenshots are. */
async function webp(png) {
  const encoded = await studio.evaluate(async (text) => {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const bitmap = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [bitmap.width, bitmap.height];
    canvas.getContext("2d").drawImage(bitmap, 0, 0);
    return canvas.toDataURL("image/webp", 0.92).split(",")[1];
  }, png.toString("base64"));
  return Buffer.from(encoded, "base64");
}

/** What a page has besides: further down, or above it. */
const FURTHER = {
  table: async (page, view) => {
    for (const summary of await page.locator("details.card > summary").all()) await summary.click();
    await page.getByText("New index on").scrollIntoViewIfNeeded();
    await page.evaluate(() => scrollTo(0, document.body.scrollHeight));
    await picture(page, `indexes-${view}`);
  },
  create: async (page, view) => {
    await page.getByRole("heading", { name: "When" }).scrollIntoViewIfNeeded();
    await page.evaluate(() => scrollTo(0, document.body.scrollHeight));
    await picture(page, `create-end-${view}`);
  },
  jobs: async (page, view) => {
    await page.keyboard.press("Control+k");
    await page.getByRole("combobox", { name: /A page/ }).fill("heart");
    await picture(page, `palette-${view}`);
  },
};

async function picture(page, name) {
  const bytes = await webp(await page.screenshot());
  const file = `${name}.webp`;
  if (bytes.length > BYTES_MAX)
    throw new Error(`${file} has ${bytes.length} bytes, and must have at most ${BYTES_MAX}`);
  await writeFile(folder + file, bytes);
}

const server = await mailServer();
const [host, browser] = await Promise.all([Host.start(server.environment), launch()]);
const studio = await browser.newPage();
try {
  await mkdir(folder, { recursive: true });
  const seeded = await seed(host, { runs: 24 });
  for (const [view, options] of Object.entries(VIEWS)) {
    const { context, page } = await visit(browser, options);
    await page.goto(host.url);
    await page.getByLabel("Token").waitFor();
    await picture(page, `sign-in-${view}`);
    await signIn(page, host);
    for (const [name, path] of Object.entries(pages(seeded))) {
      if (name === "nothing") continue;
      await page.goto(host.url + path);
      await settled(page);
      await PREPARED[name]?.(page);
      await page.waitForTimeout(PAUSE_MS);
      await picture(page, `${name}-${view}`);
      await FURTHER[name]?.(page, view);
    }
    await context.close();
  }
} finally {
  await browser.close();
  await host.end();
  server.end();
}
