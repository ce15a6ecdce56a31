// What a page says when its server crashes, leaves or comes back, and when it has lost output.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Network } from "./support/proxy.mjs";
import { PROMPT, Server } from "./support/server.mjs";
import { until } from "./support/until.mjs";
import { newVisitor, startBrowser } from "./support/visitor.mjs";

/** @type {Network} */
let network;
/** @type {Server} */
let server;
/** @type {import("playwright-core").Browser} */
let browser;

before(async () => {
  network = await Network.open();
  [server, browser] = await Promise.all([
    Server.start({ settings: ["--public-urls", network.origin, "--log-bytes", "262144"] }),
    startBrowser(),
  ]);
  network.leadTo(server.port);
});
after(async () => {
  await browser.close();
  network.close();
  await server.discard();
});

/** @param {import("node:test").TestContext} t */
async function atAShell(t) {
  const session = await server.open();
  const ann = await newVisitor(t, browser);
  await ann.logIn(server.url);
  await ann.attach(server.url, session);
  await ann.lastLine(PROMPT);
  await ann.run("echo before");
  await ann.line("before");
  return { session, ann };
}

test("a page outlives its server's SIGTERM: it reconnects and says that the session is gone", async (t) => {
  const { ann } = await atAShell(t);
  await server.end("SIGTERM");
  await server.startAgain();
  // Told at the drain or found out afterwards.
  await until("closed or refused", async () => {
    const state = await ann.page.evaluate(() => window.fantail?.state);
    if (state !== "closed" && state !== "refused") throw new Error(state);
    return true;
  });
  t.diagnostic(await ann.page.locator(".outcome span").innerText());
  assert.ok((await ann.lines()).includes("before"), "what was there can still be read");

  await ann.page.getByText("Back to the sessions").click();
  await ann.sees("No sessions are open.");
  // The login outlives the server.
  await ann.button("New session").click();
  await ann.button("Open").click();
  await ann.lastLine(PROMPT);
  await ann.run("echo $((40+2)) again");
  await ann.line("42 again");
  await ann.run("exit");
});

test("a page outlives a server that is killed with its terminals: it says so, and opens the session again", async (t) => {
  const { session, ann } = await atAShell(t);
  await server.end("SIGKILL");
  await ann.state("reconnecting");
  await ann.sees(/^reconnecting/);
  await server.startAgain();
  await ann.state("ended");
  await ann.sees("The program ended: the server ended, and nothing was left that kept its terminal.");
  const { status, exitCode } = await server.session(session.id);
  assert.deepEqual([status, exitCode], ["exited", null]);

  await ann.button("Open again").click();
  await until("another session on the page", async () => !ann.page.url().includes(session.id));
  await ann.state("live");
  await ann.lastLine(PROMPT);
  await ann.run("echo $((40+2)) again");
  await ann.line("42 again");
});

test("the list says that the server cannot be reached, and goes on when it can", async (t) => {
  const ann = await newVisitor(t, browser);
  await ann.logIn(network.origin);
  network.cut();
  t.after(() => network.restore());
  await ann.sees("Can’t reach the server. Trying again…");
  network.restore();
  await until("the banner is gone", async () => (await ann.page.getByRole("alert").count()) === 0);
});

test("output that the server no longer holds is skipped with a word, not in silence", async (t) => {
  t.after(() => network.restore());
  const session = await server.open();
  const near = await newVisitor(t, browser);
  const far = await newVisitor(t, browser);
  await near.logIn(server.url);
  await far.logIn(network.origin);
  await near.attach(server.url, session);
  await far.attach(network.origin, session);
  await Promise.all([near.lastLine(PROMPT), far.lastLine(PROMPT)]);
  network.cut();
  await far.state("reconnecting");
  await near.run("seq 1 100000");
  await near.line("100000");
  await near.lastLine(PROMPT);
  network.restore();
  await far.sees(/of output skipped: the server no longer holds them\./);
  await far.lastLine(PROMPT);
  await far.run("echo go on");
  await Promise.all([near.line("go on"), far.line("go on")]);
  await until("both pages are at the same byte", async () => (await near.offset()) === (await far.offset()));
});
