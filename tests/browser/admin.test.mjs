// Who runs the server: adds users, lets them in by a link, changes and disables them, and reads the audit log.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Server } from "./support/server.mjs";
import { newVisitor, startBrowser } from "./support/visitor.mjs";

/** @typedef {import("./support/visitor.mjs").Visitor} Visitor */

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

/** @param {import("node:test").TestContext} t */
async function onTheUsersPage(t) {
  const ann = await newVisitor(t, browser);
  await ann.logIn(server.url);
  await ann.page.getByRole("link", { name: "Users" }).click();
  await ann.page.getByRole("list", { name: "Users" }).getByText("ann").waitFor();
  return ann;
}

/**
 * Adds a user and returns the link that lets them in.
 * @param {Visitor} ann
 * @param {string} name
 * @param {string} role
 */
async function add(ann, name, role) {
  await ann.button("Add user").click();
  const dialog = ann.page.getByRole("dialog");
  await dialog.getByLabel("User name").fill(name);
  await dialog.getByLabel("Role").selectOption(role);
  await dialog.getByRole("button", { name: "Add" }).click();
  const link = await ann.page.getByLabel("Link", { exact: true }).inputValue();
  await ann.button("Done").click();
  return link;
}

/**
 * @param {Visitor} visitor
 * @param {string} link
 */
async function follow(visitor, link) {
  await visitor.page.goto(link);
  await visitor.page.getByRole("link", { name: "Account" }).waitFor();
}

test("a user is added, logs in by the link once, chooses a password, and sees what a member may", async (t) => {
  const ann = await onTheUsersPage(t);
  const link = await add(ann, "bob", "member");
  const row = ann.page.getByRole("listitem").filter({ hasText: "bob" });
  await row.getByText("member, without a password").waitFor();

  const bob = await newVisitor(t, browser);
  await follow(bob, link);
  assert.equal(bob.page.url(), `${server.url}/`);
  await bob.button("New session").waitFor();
  assert.equal(await bob.page.getByRole("link", { name: "Users" }).count(), 0);
  await bob.page.getByRole("link", { name: "Account" }).click();
  const password = bob.page.getByRole("region", { name: "Password" });
  assert.equal(await password.getByLabel("Password so far").count(), 0);
  await password.getByLabel("New password", { exact: true }).fill("a password of bob's");
  await password.getByLabel("New password again").fill("a password of bob's");
  await password.getByRole("button", { name: "Change password" }).click();
  await password.getByText("Changed.").waitFor();
  await bob.button("Log out").first().click();
  await bob.logIn(server.url, "bob", "a password of bob's");

  const late = await newVisitor(t, browser);
  await late.page.goto(link);
  await late.sees("This login link has been used or has expired.");
  // The page of who runs the server is no secret; what it would show is.
  await bob.page.goto(`${server.url}/users`);
  await bob.page.getByRole("alert").waitFor();
  assert.equal(await bob.page.getByRole("listitem").count(), 0);
});

test("a user is changed, logged out everywhere, disabled and enabled, and is sent away at once", async (t) => {
  const ann = await onTheUsersPage(t);
  const link = await add(ann, "cat", "guest");
  const cat = await newVisitor(t, browser);
  await follow(cat, link);
  await cat.sees("Sessions that others share with you are listed here.");
  assert.equal(await cat.button("New session").count(), 0);

  const change = async (
    /** @type {(dialog: import("playwright-core").Locator) => Promise<unknown>} */ what,
  ) => {
    await ann.button("Change cat").click();
    const dialog = ann.page.getByRole("dialog");
    await what(dialog);
    await dialog.getByRole("button", { name: "Save" }).click();
    await dialog.waitFor({ state: "detached" });
  };
  const row = ann.page.getByRole("listitem").filter({ hasText: "cat" });
  await change((dialog) => dialog.getByLabel("Role").selectOption("member"));
  await row.getByText("member").waitFor();
  await cat.page.reload();
  await cat.button("New session").click();
  await cat.button("Open").click();
  await cat.state("live");

  await change((dialog) => dialog.getByLabel(/^Disabled/).check());
  await row.getByText("disabled").waitFor();
  await cat.page
    .getByText(/^Stopped: |^User name$/)
    .first()
    .waitFor();
  await cat.page.goto(server.url);
  await cat.page.getByLabel("User name").waitFor();
  await change((dialog) => dialog.getByLabel(/^Disabled/).uncheck());

  await ann.button("Login link for cat").click();
  const again = await ann.page.getByLabel("Link", { exact: true }).inputValue();
  await ann.button("Done").click();
  await follow(cat, again);
  await ann.button("Log out cat everywhere").click();
  await ann.sees("cat is logged out everywhere.");
  await cat.page.reload();
  await cat.page.getByLabel("User name").waitFor();

  // What the server refuses is said where it was asked for.
  await ann.button("Change ann").click();
  const dialog = ann.page.getByRole("dialog");
  await dialog.getByLabel("Role").selectOption("guest");
  await dialog.getByRole("button", { name: "Save" }).click();
  await dialog.getByRole("alert").waitFor();
});

test("the audit log is shown newest first, and read back page by page", async (t) => {
  const session = await server.open();
  // Two entries each: more than the server gives at once.
  for (let n = 0; n < 260; n++) {
    const { id } = await server.call("POST", `/api/sessions/${session.id}/shares`, {});
    await server.call("DELETE", `/api/sessions/${session.id}/shares/${id}`);
  }
  const ann = await newVisitor(t, browser);
  await ann.logIn(server.url);
  await ann.page.getByRole("link", { name: "Audit log" }).click();
  const log = ann.page.getByRole("list", { name: /^Audit log/ });
  await log.getByRole("listitem").first().waitFor();
  const numbers = async () =>
    (await log.locator("small:first-of-type").allInnerTexts()).map((text) => Number.parseInt(text, 10));
  const newest = await numbers();
  assert.equal(newest.length, 500);
  assert.deepEqual(
    newest,
    newest.toSorted((a, b) => b - a),
  );
  const entries = await server.call("GET", `/api/audit?after=${(newest.at(0) ?? 0) - 1}`);
  assert.ok(entries.length < 500, "the first is among the last");
  await ann.button("Earlier").click();
  await log.getByText(/^1 · /).waitFor();
  await ann.button("Later").click();
  await log.getByText(/^1 · /).waitFor({ state: "detached" });
});
