// What a page shows after its network was gone: every byte once, in order, and everything that happened meanwhile.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, test } from "node:test";
import { Network } from "./support/proxy.mjs";
import { PROMPT, Server } from "./support/server.mjs";
import { until } from "./support/until.mjs";
import { newVisitor, startBrowser } from "./support/visitor.mjs";

const LINES = 200_000;
const SCROLLBACK = 250_000;

/** @type {Network} */
let network;
/** @type {Server} */
let server;
/** @type {import("playwright-core").Browser} */
let browser;

before(async () => {
  network = await Network.open();
  [server, browser] = await Promise.all([
    Server.start({ settings: ["--public-urls", network.origin] }),
    startBrowser(),
  ]);
  network.leadTo(server.port);
});
after(async () => {
  await browser.close();
  network.close();
  await server.discard();
});

/**
 * Two people on one new session, the second over a network that can break.
 * @param {import("node:test").TestContext} t
 * @param {object} [wanted] of the session
 */
async function twoPages(t, wanted) {
  t.after(() => network.restore());
  const session = await server.open(wanted);
  const near = await newVisitor(t, browser);
  const far = await newVisitor(t, browser);
  await near.logIn(server.url);
  await far.logIn(network.origin);
  await near.attach(server.url, session, SCROLLBACK);
  await far.attach(network.origin, session, SCROLLBACK);
  await Promise.all([near.lastLine(PROMPT), far.lastLine(PROMPT)]);
  return { session, near, far };
}

/**
 * Until both pages show the same. Looked at again, because what is written last may be drawn in one of them first.
 * @param {import("./support/visitor.mjs").Visitor} near
 * @param {import("./support/visitor.mjs").Visitor} far
 */
function showTheSame(near, far) {
  return until("both pages show the same", async () => {
    const [nearby, away] = await Promise.all([near.text(), far.text()]);
    assert.equal(nearby, away);
    return true;
  });
}

/**
 * Every line of `seq 1 LINES` once, in order, between the command and the next prompt.
 * @param {import("./support/visitor.mjs").Visitor} visitor
 */
async function assertCounted(visitor) {
  const lines = await visitor.lines();
  const start = lines.lastIndexOf(`${PROMPT} seq 1 ${LINES}`);
  assert.notEqual(start, -1, "the command is in the scrollback");
  const counted = lines.slice(start + 1, -1);
  const wrong = counted.findIndex((line, at) => line !== String(at + 1));
  assert.equal(wrong, -1, `line ${wrong + 1} is ${JSON.stringify(counted[wrong])}`);
  assert.equal(counted.length, LINES);
  assert.equal(lines.at(-1), PROMPT);
}

test("what is typed in one page is seen in both", async (t) => {
  const { near, far } = await twoPages(t);
  await near.run("echo near $((6*7))");
  await Promise.all([near.line("near 42"), far.line("near 42")]);
  await far.run("echo far $((7*7))");
  await Promise.all([near.line("far 49"), far.line("far 49")]);
  await Promise.all([near.lastLine(PROMPT), far.lastLine(PROMPT)]);
  await showTheSame(near, far);
});

// Where the network breaks, in bytes since it last held. `seq` writes 1.5 MB; the few bytes are in the middle of the
// next attempt's ticket or handshake, and everything after the first cut is in what is resent.
const RUNS = [
  { cuts: [0, 1, 100_000, 250_000, 700], told: false },
  { cuts: [333_333, 77, 5_000, 123_456, 600_000, 262_144, 3_000], told: true },
];
for (const { cuts, told } of RUNS) {
  const how = told ? "and told by its browser when to try again" : "and left to try by itself";
  test(`two pages show every line of a long output once and in order, though one is cut off ${cuts.length} times ${how}`, async (t) => {
    // At any other pace a page that is far behind skips, and it may be on a slow machine.
    const { near, far } = await twoPages(t, { pace: "lossless" });
    const started = Date.now();
    network.cutAfter(cuts[0] ?? 0);
    await near.run(`seq 1 ${LINES}`);
    for (const next of [...cuts.slice(1), null]) {
      await until("the network is cut", () => network.isCut);
      await far.state("reconnecting");
      if (next !== null) network.cutAfter(next);
      network.restore();
      if (told) await far.page.evaluate(() => dispatchEvent(new Event("online")));
    }
    await Promise.all([near.line(String(LINES)), far.line(String(LINES))]);
    await Promise.all([near.lastLine(PROMPT), far.lastLine(PROMPT)]);
    await Promise.all([near.state("live"), far.state("live")]);
    t.diagnostic(`all of it in both after ${Date.now() - started} ms`);
    await assertCounted(near);
    await assertCounted(far);
  });
}

test("what is typed while the network is gone arrives once, in order, when it is back", async (t) => {
  const { near, far } = await twoPages(t);
  network.cut();
  await far.state("reconnecting");
  await far.run("echo typed $((1+1)) times away");
  await near.run("echo meanwhile");
  await near.line("meanwhile");
  network.restore();
  await far.state("live");
  await Promise.all([near.line("typed 2 times away"), far.line("typed 2 times away")]);
  await Promise.all([near.lastLine(PROMPT), far.lastLine(PROMPT)]);
  const seen = (await near.lines()).filter((line) => line === "typed 2 times away");
  assert.equal(seen.length, 1);
  await showTheSame(near, far);
});

test("a paste the program does not read yet outlives broken connections, and asks the server to queue no more than it does", async (t) => {
  t.after(() => network.restore());
  // More than twice what the server queues for a client.
  const pasted = Array.from({ length: 400_000 }, (_, n) => n).join(" ");
  const session = await server.open({
    command: [
      "/bin/sh",
      "-c",
      `trap go=1 USR1; stty -icanon -echo; echo waits; until [ "$go" ]; do sleep 1; done; head -c ${pasted.length} | md5sum`,
    ],
  });
  const far = await newVisitor(t, browser);
  await far.logIn(network.origin);
  let sockets = 0;
  far.page.on("websocket", () => sockets++);
  await far.attach(network.origin, session);
  await far.line("waits");
  // The page is told of the name by the very socket that would be closed for sending too much before.
  const stays = async (/** @type {string} */ name) => {
    await far.state("live");
    const before = sockets;
    await server.call("PATCH", `/api/sessions/${session.id}`, { name });
    await far.page.getByRole("heading", { name }).waitFor();
    assert.equal(sockets, before, `the connection ${name} was replaced`);
  };
  await far.page.evaluate((text) => {
    const clipboardData = new DataTransfer();
    clipboardData.setData("text/plain", text);
    document.activeElement?.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true }));
  }, pasted);
  await stays("first");
  for (const name of ["second", "third"]) {
    network.cut();
    await far.state("reconnecting");
    network.restore();
    await stays(name);
  }
  await server.call("POST", `/api/sessions/${session.id}/signal`, { signal: "USR1" });
  await far.line(`${createHash("md5").update(pasted).digest("hex")}  -`);
});

test("a page that was away when another gave up control types again", async (t) => {
  const { near, far } = await twoPages(t);
  const held = (/** @type {number} */ count) =>
    until(`far says ${count} times who holds control`, async () => {
      return (await far.page.getByText(/ has control\. Typing is off\.$/).count()) === count;
    });
  await near.button("Take control").click();
  await held(1);
  network.cut();
  await far.state("reconnecting");
  await near.button("Release control").click();
  await near.button("Take control").waitFor();
  network.restore();
  await far.state("live");
  await held(0);
  await far.run("echo typed $((6*7)) again");
  await Promise.all([near.line("typed 42 again"), far.line("typed 42 again")]);
});

test("what is typed into a page that is about to watch only is never typed, not even when it may type again", async (t) => {
  const { near, far } = await twoPages(t);
  network.cut();
  await far.state("reconnecting");
  await far.button("Watch only").click();
  await far.run("echo from the watcher");
  await far.sees("This page only watches: typing is not sent.");
  network.restore();
  await far.state("view-only");
  await far.button("Watch only").click();
  await far.state("live");
  await far.run("echo typing $((6*7)) again");
  await Promise.all([near.line("typing 42 again"), far.line("typing 42 again")]);
  for (const page of [near, far]) assert.doesNotMatch(await page.text(), /watcher/);
});

test("a connection that has died in silence is replaced when the browser says the network is back", async (t) => {
  const { near, far } = await twoPages(t);
  network.silence();
  await far.page.context().setOffline(true);
  await near.run("echo unheard $((3*3))");
  await near.line("unheard 9");
  assert.ok(!(await far.lines()).includes("unheard 9"));
  await far.page.context().setOffline(false);
  await far.line("unheard 9");
  await Promise.all([near.lastLine(PROMPT), far.lastLine(PROMPT)]);
  await showTheSame(near, far);
});

test("a page that was away when the program exited learns it", async (t) => {
  const { near, far } = await twoPages(t);
  network.cut();
  await far.state("reconnecting");
  await near.run("exit 3");
  await near.sees("The program exited with code 3.");
  network.restore();
  await far.sees("The program exited with code 3.");
  await far.state("ended");
  await showTheSame(near, far);
});

test("a page that was away when the session was closed learns it", async (t) => {
  const { session, far } = await twoPages(t);
  network.cut();
  await far.state("reconnecting");
  await server.call("DELETE", `/api/sessions/${session.id}`);
  network.restore();
  await far.state("refused");
  await far.sees(/^Stopped: /);
});
