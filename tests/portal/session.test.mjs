// Who may come in, and what a cookie is good for.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { assertAccessible, assertClean, launch, signIn, visit } from "./support/browser.mjs";
import { Host } from "./support/host.mjs";

let host, browser;

before(async () => {
  [host, browser] = await Promise.all([Host.start(), launch()]);
});

after(async () => {
  await browser?.close();
  await host?.end();
});

/** As a browser asks, but with whatever headers. */
const ask = (method, path, headers, body) =>
  fetch(`${host.url}/v1${path}`, {
    method,
    headers: { "Content-Type": "application/json", ...headers },
    body,
  });

async function cookie() {
  const response = await ask(
    "POST",
    "/session",
    { "Sandglass-Portal": "1" },
    JSON.stringify({ token: host.token }),
  );
  assert.equal(response.status, 201);
  return response.headers.get("set-cookie");
}

test("nothing is shown without a token, and a wrong one is kept to be mended", async () => {
  const { context, page, faults } = await visit(browser);
  await page.goto(`${host.url}/tables`);
  await page.getByRole("heading", { name: "Sign in to Sandglass" }).waitFor();
  await assertAccessible(page, "sign-in");
  await page.getByLabel("Token").fill("sgl_wrong");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByText("not one of this host's tokens").waitFor();
  assert.equal(await page.getByLabel("Token").inputValue(), "sgl_wrong");
  await page.getByLabel("Token").fill(host.token);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { name: "Tables", exact: true }).waitFor();
  await assertClean(page, faults);
  await context.close();
});

test("the link that the host prints signs in once", async () => {
  const first = await visit(browser);
  await first.page.goto(host.link);
  await first.page.getByText("No jobs yet").waitFor();
  assert.equal(new URL(first.page.url()).hash, "");
  const second = await visit(browser);
  await second.page.goto(host.link);
  await second.page.getByText("nor a link that was not used yet").waitFor();
  await Promise.all([first.context.close(), second.context.close()]);
});

test("signing out ends the session, in the browser and on the host", async () => {
  const { context, page } = await visit(browser);
  await signIn(page, host);
  const [kept] = await context.cookies();
  assert.deepEqual([kept.httpOnly, kept.sameSite], [true, "Strict"]);
  assert.equal(await page.evaluate(() => document.cookie), "");
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("heading", { name: "Sign in to Sandglass" }).waitFor();
  const response = await ask("GET", "/jobs", { Cookie: `${kept.name}=${kept.value}` });
  assert.equal(response.status, 401);
  await context.close();
});

test("a change that another site has sent is refused", async () => {
  const own = (await cookie()).split(";")[0];
  const put = (headers) => ask("PUT", "/tables/t", { Cookie: own, ...headers }, "{}");
  assert.equal((await put({})).status, 403);
  assert.equal((await put({ "Sandglass-Portal": "1", Origin: "http://evil.example" })).status, 403);
  // The same machine, and by the cookie's own rules the same site, but another program.
  assert.equal((await put({ "Sandglass-Portal": "1", Origin: "http://127.0.0.1:1" })).status, 403);
  assert.equal((await ask("POST", "/session", {}, JSON.stringify({ token: host.token }))).status, 403);
  assert.equal((await ask("GET", "/tables/t", { Cookie: own })).status, 404);
  assert.equal((await put({ "Sandglass-Portal": "1", Origin: host.url })).status, 201);
});

test("the page is under a strict policy, and its files are kept", async () => {
  const page = await fetch(`${host.url}/jobs/any`, { headers: { Accept: "text/html" } });
  const policy = page.headers.get("content-security-policy");
  assert.match(policy, /default-src 'none'/);
  assert.doesNotMatch(policy, /unsafe|https?:|\*/);
  assert.equal(page.headers.get("cache-control"), "no-cache");
  const file = /\/assets\/portal-\w+\.js/.exec(await page.text())[0];
  const script = await fetch(host.url + file);
  assert.match(script.headers.get("cache-control"), /immutable/);
  assert.equal((await fetch(`${host.url}/nowhere`, { headers: { Accept: "application/json" } })).status, 404);
});
