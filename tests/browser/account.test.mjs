// One's own account: mail address, password, where one is logged in, and tokens for programs.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { PASSWORD, Server, USER } from "./support/server.mjs";
import { newVisitor, startBrowser } from "./support/visitor.mjs";

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

/**
 * @param {import("node:test").TestContext} t
 * @param {string} [name]
 * @param {string} [password]
 */
async function onTheAccountPage(t, name = USER, password = PASSWORD) {
  const visitor = await newVisitor(t, browser);
  await visitor.logIn(server.url, name, password);
  await visitor.page.getByRole("link", { name: "Account" }).click();
  await visitor.page.getByRole("heading", { name }).waitFor();
  return visitor;
}

test("an API token is made, shown once, used over REST, seen as used, and revoked", async (t) => {
  const ann = await onTheAccountPage(t);
  const tokens = ann.page.getByRole("region", { name: "API tokens" });
  await tokens.getByLabel("Name").fill("my script");
  await tokens.getByRole("button", { name: "Make a token" }).click();
  await tokens.getByRole("alert").getByText("A token has to be for something.").waitFor();
  await tokens.getByLabel("look at sessions").check();
  await tokens.getByLabel("Lasts").selectOption("7 days");
  await tokens.getByRole("button", { name: "Make a token" }).click();
  const token = await tokens.getByLabel("Token", { exact: true }).inputValue();
  assert.match(token, /^ftl_/);
  const row = tokens.getByRole("listitem");
  await row.getByText("never used").waitFor();

  const ask = (/** @type {string} */ method) =>
    fetch(`${server.url}/api/sessions`, {
      method,
      headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
      ...(method === "POST" ? { body: "{}" } : {}),
    });
  assert.equal((await ask("GET")).status, 200);
  assert.equal((await ask("POST")).status, 403, "no more than it was made for");

  await ann.page.reload();
  await row.getByText("last used").waitFor();
  assert.equal(await ann.page.getByLabel("Token", { exact: true }).count(), 0, "it is not shown again");
  assert.ok(!(await ann.page.content()).includes(token));
  await row.getByRole("button", { name: "Revoke my script" }).click();
  await row.waitFor({ state: "detached" });
  assert.equal((await ask("GET")).status, 401);
});

test("a password is changed by who knows it, which ends the other logins; mail addresses stay as typed", async (t) => {
  await server.addUser("bob", "a long enough password");
  const other = await newVisitor(t, browser);
  await other.logIn(server.url, "bob", "a long enough password");
  const bob = await onTheAccountPage(t, "bob", "a long enough password");
  const change = async (/** @type {string} */ current, /** @type {string} */ next) => {
    const form = bob.page.getByRole("region", { name: "Password" });
    await form.getByLabel("Password so far").fill(current);
    await form.getByLabel("New password", { exact: true }).fill(next);
    await form.getByLabel("New password again").fill(next);
    await form.getByRole("button", { name: "Change password" }).click();
    return form;
  };
  await (await change("not the password", "an even longer password"))
    .getByText("The password so far is another.")
    .waitFor();
  await (await change("a long enough password", "short")).getByText(/at least 12/).waitFor();
  await (await change("a long enough password", "an even longer password")).getByText("Changed.").waitFor();
  await bob.page.getByLabel("Mail address").fill("bob@example.org");
  await bob.page.getByRole("region", { name: "Who you are" }).getByRole("button", { name: "Save" }).click();
  await bob.sees("Saved.");
  await bob.page.reload();
  assert.equal(await bob.page.getByLabel("Mail address").inputValue(), "bob@example.org");

  await other.page.reload();
  await other.page.getByLabel("User name").waitFor();
  await other.logIn(server.url, "bob", "an even longer password");
});

test("logins are listed and ended, one and all others, and this one is known", async (t) => {
  await server.addUser("cat", "a long enough password");
  const agent = (/** @type {string} */ name) => ({ userAgent: `Mozilla/5.0 ${name}` });
  const phone = await newVisitor(t, browser, agent("phone"));
  const desk = await newVisitor(t, browser, agent("desk"));
  for (const visitor of [phone, desk]) await visitor.logIn(server.url, "cat", "a long enough password");
  const cat = await onTheAccountPage(t, "cat", "a long enough password");
  const logins = cat.page.getByRole("list", { name: "Logins" });
  await logins.getByText("Here · ").waitFor();
  assert.equal(await logins.getByRole("listitem").count(), 3);
  await logins.getByRole("button", { name: /^Log out .*phone$/ }).click();
  await logins.getByText(/phone/).waitFor({ state: "detached" });
  await phone.page.reload();
  await phone.page.getByLabel("User name").waitFor();
  await desk.page.reload();
  await desk.button("New session").waitFor();

  await cat.button("Log out everywhere else").click();
  await logins.getByText(/desk/).waitFor({ state: "detached" });
  assert.equal(await logins.getByRole("listitem").count(), 1);
  await desk.page.reload();
  await desk.page.getByLabel("User name").waitFor();
  await logins.getByRole("button", { name: "Log out here" }).click();
  await cat.page.getByLabel("User name").waitFor();
});
