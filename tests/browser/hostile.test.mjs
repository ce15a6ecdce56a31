// What programs print and other sites try: it must stay text, and stay out.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { PROMPT, Server } from "./support/server.mjs";
import { until } from "./support/until.mjs";
import { atAShell, startBrowser } from "./support/visitor.mjs";

const IMAGE = '<img src=x onerror="window.harmed = 1">';

/** @type {Server} */
let server;
/** @type {import("playwright-core").Browser} */
let browser;
/** @type {import("node:http").Server} */
let site;
let sitePort = 0;

before(async () => {
  site = createServer((_request, response) => {
    response.writeHead(200, { "Content-Type": "text/html" });
    response.end("<!doctype html><title>evil</title>");
  });
  site.listen(0, "127.0.0.1");
  await once(site, "listening");
  const address = site.address();
  sitePort = typeof address === "object" ? (address?.port ?? 0) : 0;
  [server, browser] = await Promise.all([
    Server.start(),
    startBrowser(["--host-resolver-rules=MAP evil.test 127.0.0.1"]),
  ]);
});
after(async () => {
  await browser.close();
  site.close();
  site.closeAllConnections();
  await server.discard();
});

test("h55 names, commands and titles are text, whatever they look like", async (t) => {
  const { session, ann } = await atAShell(t, browser, server);
  await server.call("PATCH", `/api/sessions/${session.id}`, { name: IMAGE });
  await server.open({ name: `${IMAGE} too`, command: ["cat", "-", IMAGE] });
  await ann.page.getByRole("heading", { name: IMAGE }).waitFor();
  await ann.run(`printf '\\033]0;title ${IMAGE}\\007'`);
  await until("the title", async () => (await ann.page.title()).startsWith("title <img"));
  await ann.sees(`title ${IMAGE}`);
  await ann.button("Rename").click();
  assert.equal(await ann.page.getByLabel("Name", { exact: true }).inputValue(), IMAGE);
  await ann.page.keyboard.press("Escape");
  await ann.button("Close").click();
  await ann.page.getByRole("dialog").getByText(IMAGE).waitFor();
  await ann.button("Cancel").click();
  await ann.button(/^Back to the sessions/).click();
  await ann.sees(`${IMAGE} too`);
  const images = await ann.page.evaluate(() => [...document.images].map((image) => image.src));
  assert.deepEqual(images, [`${server.url}/favicon.svg`]);
  assert.equal(await ann.page.evaluate(() => "harmed" in window), false);
});

test("h54 a link that a program prints opens a web page, and never runs a script", async (t) => {
  const { ann } = await atAShell(t, browser, server);
  const context = ann.page.context();
  /** @type {string[]} */
  const opened = [];
  context.on("page", (page) => opened.push(page.url()));
  const link = (/** @type {string} */ uri, /** @type {string} */ text) =>
    `\\033]8;;${uri}\\033\\\\${text}\\033]8;;\\033\\\\\\n`;
  const pointAt = async (/** @type {number} */ row) => {
    const box = await ann.page.locator(".xterm-screen").boundingBox();
    const { rows } = await ann.page.evaluate(() => ({ rows: window.fantail?.rows ?? 1 }));
    assert.ok(box !== null);
    const y = box.y + (row + 0.5) * (box.height / rows);
    // Coming from elsewhere: what is under the pointer is only looked at when it moves.
    await ann.page.mouse.move(box.x + 200, box.y + box.height - 20);
    await ann.page.mouse.move(box.x + 12, y, { steps: 4 });
    return { x: box.x + 12, y };
  };
  for (const uri of ["javascript:window.harmed=1", "data:text/html,x", "file:///etc/passwd", "vbscript:x"]) {
    const good = `http://127.0.0.1:${sitePort}/page`;
    await ann.run(`clear; printf '${link(uri, "wicked-link")}${link(good, "honest-link")}'`);
    await ann.line("honest-link");
    await ann.lastLine(PROMPT);
    // Looked at again and again, because a link is one only once it has been drawn; the other one is drawn by then too.
    const honest = await until("the honest link is one", async () => {
      const place = await pointAt(1);
      return (await ann.page.locator(".xterm-cursor-pointer").count()) > 0 && place;
    });
    // Clicked once: a second page, for a first that takes its time, would count as opened by the other link.
    const opens = context.waitForEvent("page");
    const [elsewhere] = await Promise.all([opens, ann.page.mouse.click(honest.x, honest.y)]);
    await elsewhere.waitForURL(good);
    assert.equal(await elsewhere.evaluate(() => window.opener), null);
    assert.equal(await elsewhere.evaluate(() => document.referrer), "");
    for (const page of context.pages()) if (page !== ann.page) await page.close();
    // What is drawn again is no link until the pointer moves: that it is none is seen between two looks at one.
    const isLink = async (/** @type {number} */ row) => {
      await pointAt(row);
      return (await ann.page.locator(".xterm-cursor-pointer").count()) > 0;
    };
    await until("only the honest link is one", async () => {
      const seen = [await isLink(1), await isLink(0), await isLink(1)];
      if (seen.join() !== "true,false,true") throw new Error(seen.join());
      return true;
    });
    const wickedPlace = await pointAt(0);
    await ann.page.mouse.click(wickedPlace.x, wickedPlace.y);
    await ann.run(`echo nothing opened by ${uri.length}`);
    await ann.line(`nothing opened by ${uri.length}`);
    const wicked = context.pages().filter((page) => page !== ann.page && page.url() !== good);
    assert.deepEqual(wicked, [], `opened: ${opened}`);
  }
  assert.equal(await ann.page.evaluate(() => "harmed" in window), false);
});

test("sequences that have frozen terminals before leave the page alive", async (t) => {
  const { ann } = await atAShell(t, browser, server);
  const cruelties = [
    "\\033[99;99H\\033[1J",
    "x\\033[2147483647b",
    "\\033[2147483647L\\033[2147483647M\\033[2147483647S\\033[2147483647T",
    "\\033[2147483647@\\033[2147483647P\\033[2147483647X",
    "\\033[2147483647I\\033[2147483647Z",
    "\\033[1;1r\\033[99999S\\033[99999T\\033[r",
    "\\033]0;\\033]8;;http://",
    "\\033\\\\\\033[?1049h\\033[?1049l\\033[?2026h",
    "\\033P1;1;1q\\033\\\\\\033[?1000;1006h\\033[?1000;1006l\\033[!p",
  ];
  for (const [n, cruelty] of cruelties.entries()) {
    await ann.run(`printf '${cruelty}'; printf '\\033\\\\\\033c'`);
    await ann.run(`echo alive $((${n}+0))`);
    await ann.line(`alive ${n}`);
  }
});

test("h03: another site can neither open our WebSocket, read our API, use our cookie nor frame us", async (t) => {
  const { session, ann } = await atAShell(t, browser, server);
  const context = ann.page.context();
  const { ticket } = await server.call("POST", "/api/auth/ticket", { sessionId: session.id });
  const evil = await context.newPage();
  for (const origin of [`http://evil.test:${sitePort}`, `http://127.0.0.1:${sitePort}`]) {
    await evil.goto(origin);
    const got = await evil.evaluate(
      async ({ api, id, ticket }) => {
        const socket = await new Promise((resolve) => {
          const attempt = new WebSocket(`${api.replace("http", "ws")}/api/sessions/${id}/ws`, [
            "fantail.v1",
            `ticket.${ticket}`,
          ]);
          attempt.onopen = () => resolve("open");
          attempt.onclose = ({ code }) => resolve(code);
        });
        const read = async (/** @type {string} */ path, /** @type {RequestInit} */ init) => {
          try {
            const response = await fetch(api + path, { credentials: "include", ...init });
            return `${response.type} ${response.status} ${await response.text()}`;
          } catch {
            return "nothing";
          }
        };
        return {
          socket,
          sessions: await read("/api/sessions", {}),
          me: await read("/api/auth/me", {}),
          health: await read("/health", {}),
          page: await read("/", {}),
          refresh: await read("/api/auth/refresh", { method: "POST" }),
          blind: await read("/api/auth/refresh", { method: "POST", mode: "no-cors" }),
        };
      },
      { api: server.url, id: session.id, ticket },
    );
    assert.deepEqual(
      got,
      {
        socket: 1006,
        sessions: "nothing",
        me: "nothing",
        health: "nothing",
        page: "nothing",
        refresh: "nothing",
        blind: "nothing",
      },
      origin,
    );
  }
  // The refusals are the server's own, not only the browser's.
  const refused = await fetch(`${server.url}/api/sessions`, {
    headers: { Origin: `http://evil.test:${sitePort}` },
  });
  assert.equal(refused.status, 403);
  assert.equal((await refused.json()).code, "foreign_origin");

  // The cookie was neither used nor changed: the page is still logged in and the terminal works.
  await ann.page.reload();
  await ann.state("live");
  await ann.run("echo unharmed $((1+1))");
  await ann.line("unharmed 2");
});

test("h84 another site cannot show us in a frame", async (t) => {
  // A context of its own: the browser's word about the frame is what is wanted here.
  const context = await browser.newContext();
  t.after(() => context.close());
  const evil = await context.newPage();
  await evil.goto(`http://evil.test:${sitePort}`);
  const refusal = evil.waitForEvent("console", (message) => /frame-ancestors/.test(message.text()));
  await evil.evaluate((url) => {
    const frame = document.createElement("iframe");
    frame.src = url;
    document.body.append(frame);
  }, server.url);
  await refusal;
});

test("h04: a name of somebody else's that leads here is answered with 421", async (t) => {
  const context = await browser.newContext();
  t.after(() => context.close());
  const page = await context.newPage();
  const answer = await page.goto(`http://evil.test:${server.port}/`);
  assert.equal(answer?.status(), 421);
  const api = await page.evaluate(async () => {
    const response = await fetch("/api/sessions");
    return { status: response.status, code: (await response.json()).code };
  });
  assert.deepEqual(api, { status: 421, code: "foreign_host" });
});
