// What a page shows when its server is killed or replaced and its session lives on: that it went on, and nothing else.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { PROMPT, Server } from "./support/server.mjs";
import { until } from "./support/until.mjs";
import { newVisitor, startBrowser } from "./support/visitor.mjs";

/** @typedef {import("./support/visitor.mjs").Visitor} Visitor */

// More than are printed in all.
const SCROLLBACK = 250_000;
const TIMES = 5;
// What the page draws from one time to the next, at least.
const BETWEEN_BYTES = 30_000;

/** @type {Server} */
let server;
/** @type {import("playwright-core").Browser} */
let browser;

before(async () => {
  browser = await startBrowser();
  server = await Server.start({ outlived: true });
});
after(async () => {
  await browser.close();
  await server.discard();
});

/**
 * Somebody at a shell, on a page whose every word about itself is written down.
 * @param {import("node:test").TestContext} t
 */
async function watched(t) {
  // At any other pace a page that is far behind skips, and it may be on a slow machine.
  const session = await server.open({ pace: "lossless" });
  t.after(() => server.call("DELETE", `/api/sessions/${session.id}`));
  const ann = await newVisitor(t, browser);
  await ann.logIn(server.url);
  await ann.attach(server.url, session, SCROLLBACK);
  await ann.lastLine(PROMPT);
  const asked = /** @type {string[]} */ ([]);
  ann.page.on("request", (request) => asked.push(new URL(request.url()).pathname));
  ann.page.on("framenavigated", (frame) => asked.push(`went to ${frame.url()}`));
  let sockets = 0;
  let longest = 0;
  ann.page.on("websocket", () => sockets++);
  const badges = await ann.page.evaluateHandle(() => {
    const said = /** @type {string[]} */ ([]);
    const look = () => {
      for (const place of document.querySelectorAll(
        ".badge, .notice, .outcome, [role=alert], form, dialog[open]",
      )) {
        const words = place.textContent ?? "";
        if (!said.includes(words)) said.push(words);
      }
    };
    look();
    new MutationObserver(look).observe(document.body, {
      subtree: true,
      childList: true,
      characterData: true,
    });
    return said;
  });
  return {
    session,
    ann,
    sockets: () => sockets,
    // Until the page is live again, on another connection.
    reconnected: async (/** @type {() => Promise<void>} */ replace) => {
      const before = sockets;
      const started = performance.now();
      await replace();
      await until("another connection", () => sockets > before);
      await ann.state("live");
      const took = performance.now() - started;
      longest = Math.max(longest, took);
      t.diagnostic(`live again after ${Math.round(took)} ms`);
    },
    // Everything the page has said since, each once.
    said: () => badges.jsonValue(),
    assertUndisturbed: async () => {
      const disturbing = asked.filter((path) => !/^\/api\/(sessions\/[^/]+|auth\/ticket)$/.test(path));
      assert.deepEqual(disturbing, [], "no login, no other page");
      const expected = /^(live|reconnecting…|reconnecting in \d+ s|server is leaving)$/;
      const said = await badges.jsonValue();
      assert.deepEqual(
        said.filter((words) => !expected.test(words)),
        [],
        "nothing but that it reconnects",
      );
      const told = said.map((words) => Number(/ in (\d+) s$/.exec(words)?.[1] ?? 0));
      const most = Math.max(...told);
      assert.ok(most <= Math.ceil(longest / 1000), `in ${most} s, where it took ${longest} ms at most`);
    },
  };
}

// Numbered lines until what was typed ends in "over", and then what was typed. In one line, because bash takes a line
// apart when it comes just as `read` times out.
const FLOOD =
  "stty -echo; n=0 t=; until [[ $t = *over ]]; do seq $((n+1)) $((n+=50)); read -rt 0.01 l; t+=$l; done; stty echo; echo $t";
const FLOOD_STEP = 50;

/**
 * Does something a few times while the flood is printed. Every line of it must be shown once and in order, and then
 * everything that was typed because of what was done. Returns how many were printed.
 * @param {Visitor} ann
 * @param {(time: number) => Promise<string>} once returns what it typed
 */
async function inTheFlood(ann, once) {
  await ann.run(FLOOD);
  let typed = "";
  for (let time = 1; time <= TIMES; time++) {
    const from = await ann.offset();
    await until("more of the flood is shown", async () => (await ann.offset()) > from + BETWEEN_BYTES);
    typed += await once(time);
  }
  const from = await ann.offset();
  await until("the flood goes on", async () => (await ann.offset()) > from + BETWEEN_BYTES);
  await ann.run("over");
  await ann.lastLine(PROMPT);
  const lines = await ann.lines();
  const start = lines.indexOf(`${PROMPT} ${FLOOD}`);
  assert.notEqual(start, -1, "the command is in the scrollback");
  const counted = lines.slice(start + 1, -2);
  const wrong = counted.findIndex((line, at) => line !== String(at + 1));
  assert.equal(wrong, -1, `line ${wrong + 1} is ${JSON.stringify(counted[wrong])}`);
  assert.equal(counted.length % FLOOD_STEP, 0);
  assert.deepEqual(lines.slice(-2), [`${typed}over`, PROMPT]);
  return counted.length;
}

/** @type {{ how: string, replace: (type: () => Promise<void>, ann: Visitor) => Promise<void> }[]} */
const WAYS = [
  {
    how: "is killed",
    replace: async (type, ann) => {
      await server.end("SIGKILL");
      await ann.state("reconnecting");
      await type();
      await server.startAgain();
    },
  },
  {
    how: "is upgraded",
    replace: async (type) => {
      const upgraded = server.upgrade();
      await type();
      await upgraded;
    },
  },
];

for (const { how, replace } of WAYS) {
  test(`a page whose server ${how} ${TIMES} times in the middle of a flood shows every line once and types on`, async (t) => {
    const { ann, said, reconnected, assertUndisturbed } = await watched(t);
    const count = await inTheFlood(ann, async (time) => {
      await reconnected(() => replace(() => ann.run(`away-${time}`), ann));
      await ann.run(`back-${time}`);
      return `away-${time}back-${time}`;
    });
    t.diagnostic(`${count} lines; the page said ${JSON.stringify(await said())}`);
    await assertUndisturbed();
  });

  test(`at a page whose server ${how} ${TIMES} times while nothing happens what is typed meanwhile arrives once`, async (t) => {
    const { session, ann, reconnected, assertUndisturbed } = await watched(t);
    const { pid } = await server.session(session.id);
    const expected = [];
    for (let time = 1; time <= TIMES; time++) {
      const command = `echo away-${time} $((1+1))`;
      await reconnected(() => replace(() => ann.run(command), ann));
      await ann.line(`away-${time} 2`);
      await ann.lastLine(PROMPT);
      expected.push(`${PROMPT} ${command}`, `away-${time} 2`);
    }
    assert.deepEqual(await ann.lines(), [...expected, PROMPT]);
    assert.equal((await server.session(session.id)).pid, pid);
    await assertUndisturbed();
  });
}

test("a page notices nothing when what keeps its session is killed", async (t) => {
  const { ann, said, sockets, assertUndisturbed } = await watched(t);
  const count = await inTheFlood(ann, async (time) => {
    await server.killHolder();
    await ann.run(`kept-${time}`);
    return `kept-${time}`;
  });
  t.diagnostic(`${count} lines`);
  assert.equal(sockets(), 0, "no connection was replaced");
  assert.deepEqual(await said(), ["live"]);
  await assertUndisturbed();
});
