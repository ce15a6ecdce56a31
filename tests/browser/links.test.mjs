// Others are let into a session by its owner: by links, which are shown once and end, and by name.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { PROMPT, Server } from "./support/server.mjs";
import { makeLink, openDialog } from "./support/sharing.mjs";
import { until } from "./support/until.mjs";
import { atAShell, newVisitor, startBrowser } from "./support/visitor.mjs";

/** @type {Server} */
let server;
/** @type {import("playwright-core").Browser} */
let browser;

before(async () => {
  [server, browser] = await Promise.all([Server.start(), startBrowser()]);
});
after(async () => {
  await browser.close();
  await server.discard();
});

/** @param {import("playwright-core").Page} page */
const kept = (page) =>
  page.evaluate(() => ({
    ...localStorage,
    ...sessionStorage,
    cookie: document.cookie,
    state: history.state,
  }));
const NOTHING = { cookie: "", state: null };

const ENDED = "This link lets nobody in any more.";

test("a link is made, shown once, listed with what it allows, and revoked; focus stays in the dialog", async (t) => {
  const { session, ann } = await atAShell(t, browser, server);
  await ann.page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  const link = await makeLink(ann, "Watch", { uses: 2 });
  assert.match(link, new RegExp(`^${server.url}/s/${session.id}#share=[\\w-]+$`));
  const dialog = ann.page.getByRole("dialog");
  await dialog.getByRole("button", { name: "Copy" }).click();
  await dialog.getByText("Copied.").waitFor();
  assert.equal(await ann.page.evaluate(() => navigator.clipboard.readText()), link);
  await dialog.getByText("2 uses left, ends in 59 min").waitFor();
  for (let n = 0; n < 30; n++) {
    await ann.page.keyboard.press("Tab");
    const outside = await ann.page.evaluate(() => {
      const at = document.activeElement;
      return at !== null && at !== document.body && at.closest("dialog") === null;
    });
    assert.equal(outside, false, "the focus stays in the dialog");
  }
  await ann.page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
  await ann.run("echo typed again");
  await ann.line("typed again");

  await openDialog(ann);
  const row = dialog.getByRole("listitem");
  await row.getByText("Watch").waitFor();
  assert.equal(await dialog.getByLabel("Link", { exact: true }).count(), 0, "it is not shown again");
  await row.getByRole("button", { name: /^Revoke the link/ }).click();
  await row.waitFor({ state: "detached" });
  assert.deepEqual(await server.call("GET", `/api/sessions/${session.id}/shares`), []);
  const eve = await newVisitor(t, browser);
  await eve.page.goto(link);
  await eve.sees(ENDED);
});

test("a link to watch shows the session and takes no typing; its secret leaves the address and is kept nowhere", async (t) => {
  const { session, ann } = await atAShell(t, browser, server);
  const link = await makeLink(ann, "Watch");
  const secret = new URL(link).hash.replace("#share=", "");
  await ann.page.keyboard.press("Escape");

  const guest = await newVisitor(t, browser);
  /** @type {string[]} */
  const asked = [];
  guest.page.on("request", (request) => asked.push(request.url()));
  await guest.page.goto(link);
  await guest.state("view-only");
  await guest.sees("You only watch. Typing is off.");
  assert.equal(guest.page.url(), `${server.url}/s/${session.id}?as=guest`);
  assert.deepEqual(await kept(guest.page), NOTHING);
  assert.deepEqual(
    asked.filter((url) => url.includes(secret)),
    [],
    "the secret is in no request's address",
  );
  await ann.run("echo for everyone");
  await guest.line("for everyone");
  await guest.run("echo from the guest");
  await guest.sees("This page only watches: typing is not sent.");
  assert.equal(
    await guest.page.evaluate(() => document.querySelector("textarea")?.readOnly),
    true,
    "no keyboard on the screen",
  );
  for (const name of ["Share", "Rename", "Close", "Take control", /^Back to/])
    assert.equal(await guest.button(name).count(), 0, String(name));
  assert.doesNotMatch(await ann.text(), /guest/);

  // The history has the address without the secret, and the cookie renews what came of it.
  await guest.page.goto("about:blank");
  await guest.page.goBack();
  await guest.state("view-only");
  assert.equal(guest.page.url(), `${server.url}/s/${session.id}?as=guest`);
  await guest.line("for everyone");
  await guest.page.goto(server.url);
  await guest.page.getByLabel("User name").waitFor();
});

test("a link to type lets one type, and revoked while it is open it shows that it has ended", async (t) => {
  const { session, ann } = await atAShell(t, browser, server);
  const link = await makeLink(ann, "Type");
  const guest = await newVisitor(t, browser);
  await guest.page.goto(link);
  await guest.state("live");
  await guest.lastLine(PROMPT);
  await guest.run("echo from the guest");
  await ann.line("from the guest");
  // The guest's own renewal goes on meanwhile.
  await guest.page.reload();
  await guest.state("live");
  await ann.page
    .getByRole("dialog")
    .getByRole("button", { name: /^Revoke the link/ })
    .click();
  await guest.sees(ENDED);
  assert.equal(await guest.page.evaluate(() => "fantail" in window), false, "the terminal is gone");
  await guest.page.reload();
  await guest.sees(ENDED);
  await guest.page.goto(`${server.url}/s/${session.id}`);
  await guest.page.getByLabel("User name").waitFor();
});

test("a link that is used up lets nobody else in, and whoever is in stays", async (t) => {
  const { ann } = await atAShell(t, browser, server);
  const link = await makeLink(ann, "Type", { uses: 1 });
  const first = await newVisitor(t, browser);
  await first.page.goto(link);
  await first.state("live");
  const second = await newVisitor(t, browser);
  await second.page.goto(link);
  await second.sees(ENDED);
  assert.equal(new URL(second.page.url()).hash, "");
  await first.lastLine(PROMPT);
  await first.run("echo still in");
  await ann.line("still in");
});

test("a link that expires while it is open says so", async (t) => {
  const { session, ann } = await atAShell(t, browser, server);
  const { link } = await server.call("POST", `/api/sessions/${session.id}/shares`, { expiresIn: 5 });
  const guest = await newVisitor(t, browser);
  await guest.page.goto(server.url + link);
  await guest.sees(ENDED);
  await ann.run("echo alone");
  await ann.line("alone");
});

test("a link opened in a tab that shows something else is taken there, and beside an account's login", async (t) => {
  const { session, ann } = await atAShell(t, browser, server);
  const link = await makeLink(ann, "Watch");
  await server.addUser("bob", "a long enough password");
  const bob = await newVisitor(t, browser);
  await bob.logIn(server.url, "bob", "a long enough password");
  await bob.page.goto(`${server.url}/s/${session.id}`);
  await bob.sees(/^Stopped: /);
  await bob.page.goto(link);
  await bob.state("view-only");
  assert.equal(new URL(bob.page.url()).hash, "");
  await bob.page.goto(server.url);
  await bob.button("New session").waitFor();
});

test("an account is let in by name, sees the session in its list, and is sent away when that is taken back", async (t) => {
  await server.addUser("cat", "a long enough password");
  const { session, ann } = await atAShell(t, browser, server);
  await openDialog(ann);
  const accounts = ann.page.getByRole("region", { name: "Accounts" });
  await accounts.getByLabel("User name").fill("nobody");
  await accounts.getByRole("button", { name: "Let in" }).click();
  await accounts.getByRole("alert").waitFor();
  await accounts.getByLabel("User name").fill("cat");
  await accounts.getByLabel("May").selectOption("Type");
  await accounts.getByRole("button", { name: "Let in" }).click();
  await accounts.getByText("may type").waitFor();

  const cat = await newVisitor(t, browser);
  await cat.logIn(server.url, "cat", "a long enough password");
  const row = cat.page.getByRole("listitem");
  await row.getByText("shared").waitFor();
  assert.equal(await row.getByRole("button").count(), 0, "what only its owner may do");
  await row.getByRole("link").click();
  await cat.state("live");
  await cat.lastLine(PROMPT);
  await cat.run("echo from cat");
  await ann.line("from cat");
  assert.equal(await cat.button("Share").count(), 0);

  await accounts.getByRole("button", { name: "Take back access of cat" }).click();
  await cat.sees(/^Stopped: /);
  await until("nobody is granted anything", async () => {
    return (await server.call("GET", `/api/sessions/${session.id}/grants`)).length === 0;
  });
});
