// Pictures of each page, light, dark and narrow, for docs/images/portal: `cargo xtask portal --pictures`.

import { mkdir, stat } from "node:fs/promises";
import { launch, signIn, visit } from "./support/browser.mjs";
import { Host } from "./support/host.mjs";
import { pages, seed, settled } from "./support/seed.mjs";

const folder = new URL("../../docs/images/portal/", import.meta.url).pathname;
const BYTES_MAX = 150_000;
const VIEWS = {
  light: { colorScheme: "light", viewport: { width: 1180, height: 760 } },
  dark: { colorScheme: "dark", viewport: { width: 1180, height: 760 } },
  narrow: { colorScheme: "light", viewport: { width: 400, height: 760 } },
};
/** Plots move for a moment, and the host's begins with nothing. */
const PAUSE_MS = { host: 9_000 };

const [host, browser] = await Promise.all([Host.start(), launch()]);
try {
  await mkdir(folder, { recursive: true });
  const seeded = await seed(host, { runs: 24 });
  for (const [view, options] of Object.entries(VIEWS)) {
    const { context, page } = await visit(browser, options);
    await signIn(page, host);
    for (const [name, path] of Object.entries(pages(seeded))) {
      if (name === "nothing") continue;
      await page.goto(host.url + path);
      await settled(page);
      if (name === "create") {
        const { guest } = await import("./support/host.mjs");
        await page.locator("#component-file").setInputFiles(guest("cleanup_tables"));
        await page.getByText("A valid component").waitFor();
      }
      await page.waitForTimeout(PAUSE_MS[name] ?? 700);
      const place = `${folder}${name}-${view}.png`;
      await page.screenshot({ path: place });
      const { size } = await stat(place);
      if (size > BYTES_MAX) throw new Error(`${place} has ${size} bytes, and must have at most ${BYTES_MAX}`);
    }
    await context.close();
  }
} finally {
  await browser.close();
  await host.end();
}
