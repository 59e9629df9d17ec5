// Debian's Chromium, and pages of it that notice what must not happen.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
const axePath = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

export const launch = () =>
  chromium.launch({
    executablePath,
    args: ["--no-sandbox", "--disable-dev-shm-usage", "--force-color-profile=srgb"],
  });

/** A browser of its own: with cookies of its own, and a list of what went wrong in its pages. */
export async function visit(browser, options = {}) {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 860 },
    reducedMotion: "reduce",
    locale: "en-GB",
    timezoneId: "Europe/Zurich",
    ...options,
  });
  // What is waited for is a sign of the page's; how long it takes is the machine's matter.
  context.setDefaultTimeout(60_000);
  const page = await context.newPage();
  const faults = [];
  page.on("pageerror", (error) => faults.push(`error: ${error.message}`));
  page.on("console", (message) => {
    // That the host refused something is told on the page, too.
    if (message.type() === "error" && !message.text().startsWith("Failed to load resource"))
      faults.push(`console: ${message.text()}`);
  });
  page.on("request", (request) => {
    if (!/^(http:\/\/127\.0\.0\.1:|blob:|data:)/.test(request.url()))
      faults.push(`request: ${request.url()}`);
  });
  await page.addInitScript(() => {
    globalThis.violations = [];
    addEventListener("securitypolicyviolation", (event) =>
      globalThis.violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile ?? ""}`),
    );
    // A frame without scripts must not be asked to call back.
    if (globalThis !== globalThis.top) return;
    // What moved by itself, as browsers measure it: the part of the window, times how far.
    globalThis.shift = 0;
    const observer = new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) if (!entry.hadRecentInput) globalThis.shift += entry.value;
    });
    observer.observe({ type: "layout-shift", buffered: true });
  });
  return { context, page, faults };
}

export async function signIn(page, host) {
  await page.goto(host.url);
  await page.getByLabel("Token").fill(host.token);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("navigation", { name: "Areas" }).waitFor();
}

/** Nothing on the page was refused by its policy, and nothing failed. */
export async function assertClean(page, faults) {
  assert.deepEqual(
    await page.evaluate(() => globalThis.violations),
    [],
    "violations of the content security policy",
  );
  assert.deepEqual(faults, []);
}

/** What is good by Web Vitals is twice this. */
const SHIFT_MAX = 0.05;

/** Nothing has jumped while the page came. */
export async function assertSteady(page, what) {
  const shift = await page.evaluate(() => globalThis.shift);
  assert.ok(shift <= SHIFT_MAX, `${what} has shifted by ${shift}`);
}

/** WCAG 2.2 A and AA, as far as axe can tell; `rules` are all unless some are named. The page's own policy would keep axe out: it is put in from outside. */
export async function assertAccessible(page, what, rules) {
  if (await page.evaluate(() => !globalThis.axe)) await page.evaluate(await readFile(axePath, "utf8"));
  const found = await page.evaluate(async (rules) => {
    const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
    const runOnly = rules ? { type: "rule", values: rules } : { type: "tag", values: tags };
    const { violations } = await globalThis.axe.run(document, { runOnly });
    return violations
      .filter(({ impact }) => impact === "serious" || impact === "critical" || impact === "moderate")
      .map(
        ({ id, impact, nodes }) =>
          `${impact} ${id}: ${nodes
            .slice(0, 3)
            .map((node) => `${node.target} ${node.failureSummary}`)
            .join(" | ")}`,
      );
  }, rules);
  assert.deepEqual(found, [], `axe on ${what}`);
}
