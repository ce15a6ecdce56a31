// A session in one browser: opened, used, renamed and closed.

import assert from "node:assert/strict";
import { rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { PROMPT, Server } from "./support/server.mjs";
import { until } from "./support/until.mjs";
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

/** @param {string} name */
const named = (name) => (/** @type {{ name: string | null }} */ session) => session.name === name;

test("a session is opened, used, renamed and closed with the keyboard alone, and whoever watches is told", async (t) => {
  const ann = await newVisitor(t, browser);
  await ann.logIn(server.url);
  await ann.sees("No sessions are open.");

  await ann.tabTo("New session");
  await ann.page.keyboard.press("Enter");
  await ann.page.getByRole("dialog").waitFor();
  await ann.page.keyboard.press("Enter");
  await ann.state("live");
  await ann.lastLine(PROMPT);
  await ann.run("echo $((6*7))");
  await ann.line("42");

  await ann.page.keyboard.press("Control+Shift+L");
  const row = ann.page.getByRole("listitem");
  await row.waitFor();
  assert.match(await row.innerText(), /bash[\s\S]*running/);

  await ann.tabTo("Rename bash");
  await ann.page.keyboard.press("Enter");
  await ann.page.getByRole("dialog").waitFor();
  await ann.type("build of the day");
  await ann.page.keyboard.press("Enter");
  await row.getByText("build of the day").waitFor();
  const [session] = await server.call("GET", "/api/sessions");
  assert.equal(session.name, "build of the day");

  const watcher = await newVisitor(t, browser);
  await watcher.logIn(server.url);
  await watcher.attach(server.url, session);
  await watcher.line("42");

  await ann.tabTo("Close build of the day");
  await ann.page.keyboard.press("Enter");
  await ann.page.getByRole("dialog").waitFor();
  await ann.tabTo("Close session");
  await ann.page.keyboard.press("Enter");
  await ann.sees("No sessions are open.");
  await watcher.sees("This session was closed.");
  await watcher.state("closed");
  await watcher.line("42");
  assert.deepEqual(await server.call("GET", "/api/sessions"), []);
});

test("a command that cannot be started is refused beside its field, and the form stays", async (t) => {
  const ann = await newVisitor(t, browser);
  await ann.logIn(server.url);
  await ann.button("New session").click();
  await ann.page.getByLabel("Command").fill("/no/such/program --flag");
  await ann.button("Open").click();
  await ann.page.getByRole("dialog").getByRole("alert").waitFor();
  assert.equal(await ann.page.getByLabel("Command").getAttribute("aria-invalid"), "true");
  await ann.page.keyboard.press("Escape");
  await until("the dialog is gone", async () => (await ann.page.getByRole("dialog").count()) === 0);
});

test("a program that exits says so with its code, and stays to be read", async (t) => {
  const session = await server.open();
  const ann = await newVisitor(t, browser);
  await ann.logIn(server.url);
  await ann.attach(server.url, session);
  await ann.lastLine(PROMPT);
  await ann.run("echo last words; exit 3");
  await ann.sees("The program exited with code 3.");
  await ann.state("ended");
  await ann.line("last words");
  await ann.page.getByText("Back to the sessions").click();
  await ann.page.getByRole("listitem").getByText("exited with code 3").waitFor();
});

test("a program that has ended is opened again from its screen and from the list, in one action", async (t) => {
  const ann = await newVisitor(t, browser, { viewport: { width: 360, height: 640 } });
  const before = await server.open({ name: "job", workingDir: "/tmp" });
  await ann.logIn(server.url);
  await ann.attach(server.url, before);
  await ann.lastLine(PROMPT);
  await ann.run("exit 3");
  await ann.sees("The program exited with code 3.");
  await ann.button("Open again").click();
  await until("another session on the page", async () => !ann.page.url().includes(before.id));
  await ann.state("live");
  await ann.lastLine(PROMPT);
  await ann.run("pwd; exit");
  await ann.line("/tmp");
  await ann.sees("The program exited with code 0.");

  await ann.page.getByText("Back to the sessions").click();
  const row = ann.page.getByRole("listitem").filter({ hasText: "job" });
  const [ended] = (await server.call("GET", "/api/sessions")).filter(named("job"));
  assert.notEqual(ended.id, before.id, "the first is gone");
  const button = row.getByRole("button", { name: "Open again: job" });
  await button.click();
  await ann.state("live");
  await ann.lastLine(PROMPT);
  const [now, ...others] = (await server.call("GET", "/api/sessions")).filter(named("job"));
  assert.deepEqual([now.status, now.workingDir, others], ["running", "/tmp", []]);
  assert.equal(new URL(ann.page.url()).pathname, `/s/${now.id}`);
  assert.deepEqual([now.cols, now.rows].join("×"), await ann.size());
});

test("what cannot be opened again says why and stays", async (t) => {
  const program = join(tmpdir(), `fantail-job-${process.pid}`);
  await writeFile(program, "#!/bin/sh\necho last words\n", { mode: 0o755 });
  t.after(() => rm(program, { force: true }));
  const session = await server.open({ command: [program], name: "short" });
  await until("its end", async () => (await server.session(session.id)).status === "exited");
  await rm(program);
  const ann = await newVisitor(t, browser);
  await ann.logIn(server.url);
  const button = ann.page.getByRole("button", { name: "Open again: short" });
  await button.click();
  await ann.sees("command: no such program");
  await until("the button can be used again", () => button.isEnabled());
  await ann.page.goto(`${server.url}/s/${session.id}`);
  await ann.state("ended");
  await ann.line("last words");
  await ann.button("Open again").click();
  await ann.sees("command: no such program");
  await ann.sees("The program exited with code 0.");
});

test("a flood of output leaves the page in hand: Ctrl-C brings the prompt back", async (t) => {
  const session = await server.open();
  const ann = await newVisitor(t, browser);
  await ann.logIn(server.url);
  await ann.attach(server.url, session);
  await ann.lastLine(PROMPT);
  await ann.run("yes");
  const asked = Date.now();
  await until("5 MB drawn", async () => (await ann.offset()) > 5_000_000);
  const drawn = Date.now();
  await ann.page.keyboard.press("Control+C");
  await ann.lastLine(PROMPT);
  const back = Date.now();
  await ann.run("echo still $((1+1)) here");
  await ann.line("still 2 here");
  const { output } = await server.session(session.id);
  t.diagnostic(
    `5 MB drawn after ${drawn - asked} ms; prompt ${back - drawn} ms after Ctrl-C; ` +
      `the program wrote ${(output.end / 2 ** 20).toFixed(1)} MiB`,
  );
});
