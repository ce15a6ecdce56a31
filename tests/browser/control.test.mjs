// Who may type, where several could: asked for, given, declined and taken back.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { PROMPT, Server } from "./support/server.mjs";
import { until } from "./support/until.mjs";
import { atAShell, newVisitor, startBrowser } from "./support/visitor.mjs";

/** @typedef {import("./support/visitor.mjs").Visitor} Visitor */

const SECRET = "a long enough password";

/** @type {Server} */
let server;
/** @type {import("playwright-core").Browser} */
let browser;

before(async () => {
  [server, browser] = await Promise.all([Server.start(), startBrowser()]);
  await server.addUser("bob", SECRET);
  await server.addUser("cat", SECRET);
});
after(async () => {
  await browser.close();
  await server.discard();
});

/**
 * Ann's session, which bob and cat may type into, and a page of each.
 * @param {import("node:test").TestContext} t
 */
async function threeAtOnce(t) {
  const { session, ann } = await atAShell(t, browser, server);
  const join = async (/** @type {string} */ name) => {
    await server.call("PUT", `/api/sessions/${session.id}/grants/${name}`, { access: "control" });
    const visitor = await newVisitor(t, browser);
    await visitor.logIn(server.url, name, SECRET);
    await visitor.attach(server.url, session);
    await visitor.lastLine(PROMPT);
    return visitor;
  };
  return { session, ann, bob: await join("bob"), cat: await join("cat") };
}

/**
 * @param {Visitor} visitor
 * @param {string} line what it prints, whose command is not it
 */
async function types(visitor, line) {
  await visitor.run(`echo ${line.replace(" ", "  ")}`);
  await visitor.line(line);
  await visitor.lastLine(PROMPT);
}

test("control is taken, asked for, declined, asked for again and given; everyone sees who has it", async (t) => {
  const { ann, bob, cat } = await threeAtOnce(t);
  await bob.button("Take control").click();
  await bob.sees("You have control");
  for (const visitor of [ann, cat]) await visitor.sees("bob has control. Typing is off.");
  const size = await bob.size();
  await cat.run("echo from cat");
  await cat.sees("bob has control. Ask for it to type.");
  assert.equal(await cat.button("Take back").count(), 0, "only its owner takes control back");
  assert.equal(await cat.page.evaluate(() => document.querySelector("textarea")?.readOnly), true);

  await cat.button("Ask for control").click();
  await cat.sees("You have asked bob for control.");
  // Its holder is asked, and so is the session's owner.
  await ann.sees("cat asks for control.");
  await bob.button("Decline cat").click();
  await cat.sees("You were not given control.");
  assert.equal(await bob.size(), size, "being asked changes nobody's size");
  await cat.button("Ask for control").click();
  await bob.button("Give control to cat").click();
  await cat.sees("You have control now.");
  await until("nothing is left to answer", async () => {
    const asked = await Promise.all([ann, bob].map((visitor) => visitor.page.locator(".request").count()));
    return asked.every((count) => count === 0);
  });
  await bob.sees("cat has control. Typing is off.");
  assert.equal(await bob.size(), size, "nor does giving it, before anybody types");
  await types(cat, "cat types");
  for (const visitor of [ann, bob]) await visitor.line("cat types");
  assert.doesNotMatch(await ann.text(), /from cat/);

  await cat.button("Release control").click();
  await types(bob, "bob types");
  await types(ann, "ann types");
});

test("a request is withdrawn, and the owner gives control on behalf of who has it, and takes it back", async (t) => {
  const { ann, bob, cat } = await threeAtOnce(t);
  await bob.button("Take control").click();
  await cat.button("Ask for control").click();
  await ann.sees("cat asks for control.");
  await cat.button("Withdraw").click();
  await ann.page.getByText("cat asks for control.").waitFor({ state: "detached" });
  await cat.button("Ask for control").click();
  await ann.button("Give control to cat").click();
  await bob.sees("cat has control. Typing is off.");
  await types(cat, "cat types");

  await ann.button("Take back").click();
  await cat.sees("ann has control. Typing is off.");
  await types(ann, "ann types");
  // Who leaves with it leaves it to all.
  await ann.page.close();
  await cat.page.locator(".strip").waitFor({ state: "detached" });
  await types(bob, "bob types");
});

test("h55 whoever asks is shown by name, as text", async (t) => {
  const { session, ann, bob } = await threeAtOnce(t);
  await ann.button("Take control").click();
  const { link } = await server.call("POST", `/api/sessions/${session.id}/shares`, {
    access: "control",
    label: "<img src=x onerror=alert(1)>",
  });
  const guest = await newVisitor(t, browser);
  await guest.page.goto(server.url + link);
  await guest.state("live");
  await guest.button("Ask for control").click();
  await ann.sees("<img src=x onerror=alert(1)> asks for control.");
  await bob.button("Ask for control").click();
  await ann.sees("bob asks for control.");
  assert.equal(await ann.page.locator(".request img").count(), 0);
  await ann.page.locator(".request").first().getByRole("button", { name: /^Give/ }).click();
  await guest.sees("You have control now.");
  await types(guest, "guest types");
});
