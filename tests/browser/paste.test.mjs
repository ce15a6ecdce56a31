// What is pasted: nothing in it presses keys, and what would press Enter asks first.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { PROMPT, Server } from "./support/server.mjs";
import { atAShell, startBrowser } from "./support/visitor.mjs";

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
 * Pastes as a person does: from the clipboard, with the browser's own keys.
 * @param {import("./support/visitor.mjs").Visitor} visitor
 * @param {string} text
 */
async function paste(visitor, text) {
  await visitor.page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await visitor.page.evaluate((text) => navigator.clipboard.writeText(text), text);
  await visitor.page.keyboard.press("Control+Shift+V");
}

/** @param {import("./support/visitor.mjs").Visitor} visitor */
const question = (visitor) => visitor.page.getByRole("dialog", { name: /^Paste/ });

test("h53 a paste of several lines asks first, shows them as text, and is all done with keys", async (t) => {
  const { ann } = await atAShell(t, browser, server);
  const text = "echo pasted-$((1+1))\r\necho <b>two</b>\u202e\n";
  await paste(ann, text);
  await question(ann).waitFor();
  await ann.sees("Paste 2 lines?");
  const shown = ann.page.getByLabel("What is to be pasted");
  assert.equal(await shown.inputValue(), "echo pasted-$((1+1))\necho <b>two</b>\\u202e\n");
  await ann.page.keyboard.press("Escape");
  await question(ann).waitFor({ state: "detached" });
  await ann.run("echo nothing was pasted");
  await ann.line("nothing was pasted");
  assert.doesNotMatch(await ann.text(), /pasted-/);

  await paste(ann, text);
  await question(ann).waitFor();
  // Enter alone, out of habit, pastes nothing.
  await ann.page.keyboard.press("Enter");
  await question(ann).waitFor({ state: "detached" });
  await ann.lastLine(PROMPT);

  await paste(ann, "echo pasted-$((1+1))\necho pasted-$((2+2))\n");
  await question(ann).waitFor();
  await ann.tabTo("Paste");
  await ann.page.keyboard.press("Enter");
  await question(ann).waitFor({ state: "detached" });
  // A shell that has asked for brackets waits for Enter.
  await ann.page.keyboard.press("Enter");
  await ann.line("pasted-2");
  await ann.line("pasted-4");
});

test("h53 a paste can neither press keys nor end its own brackets, and one line is pasted without a question", async (t) => {
  const { ann } = await atAShell(t, browser, server);
  const read = "dd bs=1 count=21 2>/dev/null | od -An -tx1 | tr -d ' \\n'";
  await ann.run(`stty raw -echo; printf '\\033[?2004hgo\\r\\n'; ${read}; stty sane; echo; echo`);
  await ann.line("go");
  await paste(ann, "a\u001b[201~\u0003\u009bb\tc");
  await ann.line(Buffer.from("\u001b[200~a[201~b\tc\u001b[201~").toString("hex"));
  assert.equal(await question(ann).count(), 0);
});
