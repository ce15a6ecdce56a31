// Several pages on one session: whose size it has, who may type, and what the others are told.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { PROMPT, Server } from "./support/server.mjs";
import { until } from "./support/until.mjs";
import { newVisitor, startBrowser } from "./support/visitor.mjs";

/** @typedef {import("./support/visitor.mjs").Visitor} Visitor */

const LARGE = { viewport: { width: 1200, height: 800 } };
const SMALL = { viewport: { width: 720, height: 480 } };

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
 * A session opened in a large window, and a small window attached to it.
 * @param {import("node:test").TestContext} t
 */
async function largeAndSmall(t) {
  const large = await newVisitor(t, browser, LARGE);
  const small = await newVisitor(t, browser, SMALL);
  await large.logIn(server.url);
  await small.logIn(server.url);
  await large.button("New session").click();
  await large.button("Open").click();
  await large.state("live");
  await large.lastLine(PROMPT);
  const session = await server.session(/** @type {string} */ (large.page.url().split("/").at(-1)));
  await small.attach(server.url, session);
  await small.lastLine(PROMPT);
  return { session, large, small };
}

/**
 * Until both pages and the server agree on a size that is not `before`.
 * @param {{ id: string }} session
 * @param {Visitor[]} pages
 * @param {string} before
 */
function newSize(session, pages, before) {
  return until(`another size than ${before} everywhere`, async () => {
    const { cols, rows } = await server.session(session.id);
    const sizes = [`${cols}×${rows}`, ...(await Promise.all(pages.map((page) => page.size())))];
    if (sizes.includes(before) || new Set(sizes).size !== 1) throw new Error(sizes.join(", "));
    return /** @type {string} */ (sizes[0]);
  });
}

test("attaching changes nobody's size, typing gives the session the size of that window", async (t) => {
  const { session, large, small } = await largeAndSmall(t);
  const opened = await large.size();
  assert.equal(`${session.cols}×${session.rows}`, opened, "opened at the size it is shown in");
  // Everything is visible in the small window all the same, once it is laid out.
  await until("all of the large window's size in the small one", async () => {
    assert.equal(await small.size(), opened);
    const overflow = await small.page.evaluate(() => {
      const room = document.querySelector(".room");
      return room === null
        ? null
        : [room.scrollWidth - room.clientWidth, room.scrollHeight - room.clientHeight];
    });
    assert.deepEqual(overflow, [0, 0]);
    return true;
  });

  await small.run("stty size");
  const smaller = await newSize(session, [large, small], opened);
  const { cols, rows } = await server.session(session.id);
  await Promise.all([small.lastLine(PROMPT), large.lastLine(PROMPT)]);
  await small.run("stty size");
  await Promise.all([small.line(`${rows} ${cols}`), large.line(`${rows} ${cols}`)]);

  await large.run("echo back");
  assert.equal(await newSize(session, [large, small], smaller), opened);
  await Promise.all([small.line("back"), large.line("back")]);
  t.diagnostic(`${opened} in the large window, ${smaller} in the small one`);
});

test("a window that leads keeps the session at its size while it is dragged, one that follows does not", async (t) => {
  const { session, large, small } = await largeAndSmall(t);
  const opened = await large.size();
  await small.page.setViewportSize({ width: 500, height: 400 });
  await large.page.setViewportSize({ width: 900, height: 600 });
  const dragged = await newSize(session, [large, small], opened);
  assert.ok(Number.parseInt(dragged, 10) > 80, `${dragged} is the large window's`);
});

test("windows of any size show a session's own size, whole, also while it prints and they or it are resized", async (t) => {
  const session = await server.open({ sizes: "fixed", cols: 100, rows: 30 });
  const large = await newVisitor(t, browser, { viewport: { width: 1600, height: 1000 } });
  const small = await newVisitor(t, browser, { viewport: { width: 420, height: 300 } });
  for (const page of [large, small]) {
    await page.logIn(server.url);
    await page.attach(server.url, session);
    await page.lastLine(PROMPT);
  }
  const showsItWhole = (/** @type {Visitor} */ page) =>
    until("all of the terminal lies within the window", async () => {
      assert.equal(await page.size(), "100×30");
      const [room, screen] = await page.page.evaluate(() =>
        [".room", ".xterm-screen"].map((part) => {
          const { left, top, right, bottom } =
            document.querySelector(part)?.getBoundingClientRect() ?? new DOMRect();
          return { left, top, right, bottom };
        }),
      );
      assert.ok(room && screen && screen.right > screen.left && screen.bottom > screen.top);
      const outside = { left: room.left - screen.left, top: room.top - screen.top };
      assert.ok(outside.left <= 0 && outside.top <= 0, JSON.stringify({ room, screen }));
      assert.ok(screen.right <= room.right && screen.bottom <= room.bottom, JSON.stringify({ room, screen }));
      return true;
    });
  const same = async (/** @type {string} */ last) => {
    await Promise.all([large, small].map((page) => page.line(last)));
    await Promise.all([large, small].map((page) => page.lastLine(PROMPT)));
    const end = async (/** @type {Visitor} */ page) => (await page.lines()).slice(-100);
    assert.deepEqual(await end(small), await end(large));
  };
  await Promise.all([showsItWhole(large), showsItWhole(small)]);
  await large.run("for n in $(seq 20000); do printf '%090d世界\\n' $n; done");
  await until("it prints", async () => (await small.offset()) > 100_000);
  await small.page.setViewportSize({ width: 900, height: 400 });
  await large.page.setViewportSize({ width: 800, height: 600 });
  await same(`${"20000".padStart(90, "0")}世界`);
  await Promise.all([showsItWhole(large), showsItWhole(small)]);

  const opened = await server.open({ cols: 100, rows: 30 });
  for (const page of [large, small]) {
    await page.attach(server.url, opened);
    await page.lastLine(PROMPT);
  }
  await large.run("for n in $(seq 20000); do printf '%090d世界\\n' $n; done");
  const before = await newSize(opened, [large, small], "100×30");
  await large.page.setViewportSize({ width: 1300, height: 900 });
  await newSize(opened, [large, small], before);
  await large.run("echo done $((6*7))");
  await same("done 42");
});

test("the button Fit gives the session this window's size without typing anything", async (t) => {
  const { session, large, small } = await largeAndSmall(t);
  const opened = await large.size();
  const end = (await server.session(session.id)).output.end;
  await small.button("Actions").click();
  await small.button(/^Fit/).click();
  const fitted = await newSize(session, [large, small], opened);
  assert.ok(Number.parseInt(fitted, 10) < Number.parseInt(opened, 10));
  await small.run("echo fits");
  await Promise.all([small.line("fits"), large.line("fits")]);
  assert.ok((await server.session(session.id)).output.end > end);
});

test("a page that only watches sends nothing, says so, and can be made to type again", async (t) => {
  const { large, small } = await largeAndSmall(t);
  await small.button("Actions").click();
  await small.button("Watch only").click();
  await small.state("view-only");
  await until("the badge says so", async () => {
    return (await small.page.locator(".badge").innerText()) === "view only";
  });
  await small.run("echo from the watcher");
  await small.sees("This page only watches: typing is not sent.");
  await large.run("echo from the other");
  await Promise.all([large.line("from the other"), small.line("from the other")]);
  for (const page of [large, small]) assert.doesNotMatch(await page.text(), /watcher/);

  await small.button("Actions").click();
  await small.button("Watch only").click();
  await small.state("live");
  await small.run("echo typing again");
  await large.line("typing again");
  assert.doesNotMatch(await large.text(), /watcher/);
});

test("a page that takes control types alone, the other is told, and gets it back", async (t) => {
  const { large, small } = await largeAndSmall(t);
  await large.button("Take control").click();
  await large.button("Release control").waitFor();
  await small.sees("ann has control. Typing is off.");
  await small.run("echo from the other");
  await small.sees("ann has control. Take it back to type.");
  await large.run("echo from the holder");
  await small.line("from the holder");
  assert.doesNotMatch(await large.text(), /from the other/);

  await large.button("Release control").click();
  await large.button("Take control").waitFor();
  await small.page.locator(".strip").waitFor({ state: "detached" });
  await small.run("echo typed again");
  await Promise.all([large.line("typed again"), small.line("typed again")]);
  assert.doesNotMatch(await large.text(), /from the other/);
});

test("a page is told how many others there are, and loses them when they leave", async (t) => {
  const { large, small } = await largeAndSmall(t);
  await large.sees("2 viewers");
  await small.page.close();
  await large.sees("1 viewer");
});
