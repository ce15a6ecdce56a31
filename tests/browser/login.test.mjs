// Getting in: the link the server prints, the cookie afterwards, a password, and what is left behind in the browser.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Server } from "./support/server.mjs";
import { until } from "./support/until.mjs";
import { newVisitor, startBrowser } from "./support/visitor.mjs";

/** @type {Server} */
let server;
/** @type {import("playwright-core").Browser} */
let browser;

before(async () => {
  [server, browser] = await Promise.all([Server.start({ account: false }), startBrowser()]);
});
after(async () => {
  await browser.close();
  await server.discard();
});

/**
 * Everything scripts of this origin could read later.
 * @param {import("playwright-core").Page} page
 */
function kept(page) {
  return page.evaluate(async () => ({
    local: { ...localStorage },
    session: { ...sessionStorage },
    databases: await indexedDB.databases(),
    caches: await caches.keys(),
    cookie: document.cookie,
    name: window.name,
    state: history.state,
  }));
}

const NOTHING = { local: {}, session: {}, databases: [], caches: [], cookie: "", name: "", state: null };

test("the printed link logs in once, leaves the address bar, and the cookie keeps one logged in", async (t) => {
  const token = new URL(server.loginLink).hash.replace("#login=", "");
  const ann = await newVisitor(t, browser);
  /** @type {string[]} */
  const asked = [];
  ann.page.on("request", (request) => asked.push(request.url()));
  await ann.page.goto(server.loginLink);
  await ann.button("New session").waitFor();
  assert.equal(ann.page.url(), `${server.url}/`);
  assert.deepEqual(await kept(ann.page), NOTHING);

  await ann.page.reload();
  await ann.button("New session").waitFor();
  assert.deepEqual(await kept(ann.page), NOTHING);

  // The history entry is the one without the token.
  await ann.page.goto("about:blank");
  await ann.page.goBack();
  await ann.button("New session").waitFor();
  assert.equal(ann.page.url(), `${server.url}/`);

  const cookies = await ann.page.context().cookies(`${server.url}/api/auth/refresh`);
  assert.deepEqual(
    cookies.map(({ name, httpOnly, sameSite, path }) => ({ name, httpOnly, sameSite, path })),
    [
      { name: "fantail_device", httpOnly: true, sameSite: "Strict", path: "/api/auth" },
      { name: "fantail_refresh", httpOnly: true, sameSite: "Strict", path: "/api/auth" },
    ],
  );
  assert.deepEqual(
    asked.filter((url) => url.includes(token)),
    [],
    "the token is in no request's address",
  );

  const late = await newVisitor(t, browser);
  await late.page.goto(server.loginLink);
  const form = late.page.getByRole("form", { name: "Log in" });
  await form.getByText("This login link has been used or has expired.").waitFor();
  assert.equal(late.page.url(), `${server.url}/`);
  assert.equal(await late.button("New session").count(), 0);
});

test("a password logs in, a wrong one says so, and logging out ends it in this browser", async (t) => {
  await server.addUser("bob", "a long enough password");
  const bob = await newVisitor(t, browser);
  await bob.page.goto(server.url);
  await bob.page.getByLabel("User name").fill("bob");
  await bob.page.getByLabel("Password").fill("not the password");
  await bob.button("Log in").click();
  await bob.page.getByRole("alert").getByText("Wrong user name or password.").waitFor();
  assert.equal(await bob.button("New session").count(), 0);

  await bob.page.getByLabel("Password").fill("a long enough password");
  await bob.page.keyboard.press("Enter");
  await bob.button("New session").waitFor();
  assert.deepEqual(await kept(bob.page), NOTHING);
  await bob.page.reload();
  await bob.button("Log out").click();
  await bob.page.getByLabel("User name").waitFor();
  await bob.page.reload();
  await bob.page.getByLabel("User name").waitFor();
});

test("logging out in one tab ends the terminal in another", async (t) => {
  await server.addUser("cat", "another good password");
  const cat = await newVisitor(t, browser);
  await cat.logIn(server.url, "cat", "another good password");
  const other = await cat.page.context().newPage();
  await other.goto(server.url);
  await other.getByRole("button", { name: "New session" }).click();
  await other.getByRole("button", { name: "Open", exact: true }).click();
  await until("live", () => other.evaluate(() => window.fantail?.state === "live"));
  await cat.button("Log out").click();
  await cat.page.getByLabel("User name").waitFor();
  await until("the other tab asks for a login or says it was stopped", async () => {
    const form = await other.getByLabel("User name").count();
    const stopped = await other.getByText(/^Stopped: /).count();
    return form + stopped > 0;
  });
});
