// What a page shows that comes late or was too slow, who answers a program's questions, and what a program may tell.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { PROMPT, Server } from "./support/server.mjs";
import { until } from "./support/until.mjs";
import { atAShell, joined, newVisitor, startBrowser } from "./support/visitor.mjs";

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

test("a page that comes late shows the same, full-screen programs, colours, scrollback and all", async (t) => {
  const { session, ann } = await atAShell(t, browser, server);
  await ann.run("for n in $(seq 500); do printf '\\033[3%dm%d 世界 e\\314\\201\\033[m\\n' $((n%8)) $n; done");
  await ann.line("500 世界 e\u0301");
  await ann.lastLine(PROMPT);
  const bob = await joined(t, browser, server, session);
  await bob.lastLine(PROMPT);
  assert.equal(await bob.text(), await ann.text());
  await ann.run("seq 1 5000 | less");
  await until("less", async () => (await ann.text()).startsWith("1\n2\n3\n"));
  const cat = await joined(t, browser, server, session);
  await until("less for who came now", async () => (await cat.text()) === (await ann.text()));
  await ann.type("q");
  await Promise.all([ann.lastLine(PROMPT), cat.lastLine(PROMPT)]);
  await until("the primary screen behind it", async () => (await cat.text()) === (await ann.text()));
  assert.ok((await cat.lines()).includes("1 世界 e\u0301"), "with its scrollback");
});

test("a program's question is answered once, by the server, however many pages look", async (t) => {
  const { session, ann } = await atAShell(t, browser, server);
  const bob = await joined(t, browser, server, session);
  await bob.lastLine(PROMPT);
  const ask = "\\033[c\\033[6n\\033[?u\\033]11;?\\007\\033P$qm\\033\\\\\\033[?2026$p";
  // The last answer ends with the first "y" of all.
  const read = "IFS= read -rd y answers; printf %s \"$answers\" | od -An -c | tr -d ' \\n'";
  await ann.run(`stty -echo raw; printf '${ask}'; ${read}; stty sane; echo`);
  await ann.lastLine(PROMPT);
  await until("the answers", async () => /\[\?[\d;]+c/.test((await ann.text()).replaceAll("\n", "")));
  const answers = (await ann.text()).replaceAll("\n", "");
  for (const answer of [
    /\[\?[\d;]+c/g,
    /\[\d+;\d+R/g,
    /\[\?\d+u/g,
    /\]11;rgb:/g,
    /1\$r/g,
    /\[\?2026;\d\$/g,
  ]) {
    assert.equal([...answers.matchAll(answer)].length, 1, `${answer} in ${answers}`);
  }
  // Nothing that comes later is typed into the shell either.
  await bob.run("echo quiet");
  await Promise.all([ann.line("quiet"), bob.line("quiet")]);
  await joined(t, browser, server, session);
  await ann.run("echo still");
  await ann.line("still");
});

test("under a flood a key reaches the program and Ctrl-C brings the prompt at once", async (t) => {
  const { session, ann } = await atAShell(t, browser, server);
  // The flood may end within a line.
  const waits =
    "stty -icanon -echo; key=$(dd bs=1 count=1 2>/dev/null); kill %1; wait; stty sane; echo; echo got-$key";
  await ann.run(`set -m; yes $(seq -s ' ' 30) & ${waits}`);
  await until("a flood that waits for a key", async () => (await ann.offset()) > 5_000_000);
  await ann.page.keyboard.press("x");
  await ann.line("got-x");
  await ann.lastLine(PROMPT);
  const from = await ann.offset();
  await ann.run("yes $(seq -s ' ' 30)");
  await until("5 MB drawn", async () => (await ann.offset()) > from + 5_000_000);
  const pressed = Date.now();
  await ann.page.keyboard.press("Control+C");
  const held = until("the program has stopped", async () => {
    const { end } = (await server.session(session.id)).output;
    return end === (await server.session(session.id)).output.end;
  }).then(() => Date.now() - pressed);
  await ann.lastLine(PROMPT);
  const prompt = Date.now() - pressed;
  t.diagnostic(`Ctrl-C: the program silent after ${await held} ms, the prompt drawn after ${prompt} ms`);
  await ann.run("echo still here");
  await ann.line("still here");
});

test("a page on a thin line skips and ends on the right screen", async (t) => {
  const { session, ann } = await atAShell(t, browser, server);
  const bob = await joined(t, browser, server, session);
  await bob.lastLine(PROMPT);
  const line = await bob.page.context().newCDPSession(bob.page);
  let gaps = 0;
  await line.send("Network.enable");
  line.on("Network.webSocketFrameReceived", ({ response }) => {
    if (Buffer.from(response.payloadData.slice(0, 4), "base64")[0] === 3) gaps += 1;
  });
  const cpu = (/** @type {number} */ rate) => line.send("Emulation.setCPUThrottlingRate", { rate });
  await cpu(20);
  await ann.run("seq 1 2000000");
  await ann.line("2000000");
  await ann.lastLine(PROMPT);
  await cpu(1);
  await bob.lastLine(PROMPT);
  const end = (/** @type {string[]} */ lines) => lines.slice(-100);
  assert.deepEqual(end(await bob.lines()), end(await ann.lines()));
  t.diagnostic(`${gaps} gaps`);
});

test("title, bell and clipboard come to every page, and nothing is copied but by its user", async (t) => {
  const { session, ann } = await atAShell(t, browser, server);
  const bob = await joined(t, browser, server, session);
  await bob.page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await bob.page.evaluate(() => navigator.clipboard.writeText("before"));
  await ann.run("printf '\\033]2;my title\\007\\007\\033]52;c;aGVsbG8KdGhlcmU=\\007'");
  for (const page of [ann, bob]) {
    await until("the title", async () => (await page.page.title()).includes("my title"));
    await page.page.locator(".rang").waitFor({ state: "attached" });
    await page.sees("The program offers 11 characters to copy: “hello\\nthere”");
  }
  assert.equal(await bob.page.evaluate(() => navigator.clipboard.readText()), "before");
  await bob.button("Copy").click();
  await until("it is copied", async () => {
    return (await bob.page.evaluate(() => navigator.clipboard.readText())) === "hello\nthere";
  });
  const late = await joined(t, browser, server, session);
  await until("the title for who came late", async () => (await late.page.title()).includes("my title"));
  assert.equal(await late.page.locator(".notice").count(), 0, "what was offered before is not offered again");
  await ann.run("printf '\\033[22;2t\\033]2;for a while\\007'; read line; printf '\\033[23;2t'");
  for (const page of [ann, late]) {
    await until("the title over it", async () => (await page.page.title()).includes("for a while"));
  }
  await ann.page.keyboard.press("Enter");
  for (const page of [ann, late]) {
    await until("the title pushed", async () => (await page.page.title()).includes("my title"));
  }
});

test("keys are sent as the program asked for them", async (t) => {
  const { ann } = await atAShell(t, browser, server);
  await ann.run(
    "stty raw -echo; printf '\\033[>1ugo\\r\\n'; dd bs=1 count=8 2>/dev/null | od -An -c; printf '\\033[<u'; stty sane; echo",
  );
  await ann.line("go");
  await ann.page.keyboard.press("Control+I");
  await until("Ctrl-I, told from Tab", async () => (await ann.text()).includes("1   0   5   ;   5   u"));
  await ann.lastLine(PROMPT);
});

test("a session of fixed size keeps it, one of smallest fits the smaller window, and pages say so", async (t) => {
  const fixed = await server.open({ sizes: "fixed", cols: 70, rows: 20 });
  const ann = await joined(t, browser, server, fixed);
  await ann.lastLine(PROMPT);
  await ann.run("stty size");
  await ann.line("20 70");
  assert.equal(await ann.size(), "70×20");
  const smallest = await server.open({ sizes: "smallest" });
  const large = await joined(t, browser, server, smallest);
  await large.lastLine(PROMPT);
  await until("the large window's size", async () => (await large.size()) !== "80×24");
  const before = await large.size();
  const small = await newVisitor(t, browser, { viewport: { width: 720, height: 480 } });
  await small.logIn(server.url);
  await small.attach(server.url, smallest);
  await until("the small window's size", async () => (await large.size()) !== before);
  await until("in both", async () => (await large.size()) === (await small.size()));
});
