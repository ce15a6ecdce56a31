// The page in a hand: touch, a narrow window, no keyboard with Ctrl on it.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { PASSWORD, PROMPT, Server, USER } from "./support/server.mjs";
import { makeLink } from "./support/sharing.mjs";
import { until } from "./support/until.mjs";
import { newVisitor, startBrowser } from "./support/visitor.mjs";

/** @typedef {import("./support/visitor.mjs").Visitor} Visitor */

const PHONES = [
  { width: 360, height: 640 },
  { width: 390, height: 844 },
];

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
 * Nothing reaches out of the window sideways, and everything to be touched is large enough for a finger.
 * @param {Visitor} visitor
 * @param {string} where
 */
async function assertHandy(visitor, where) {
  const found = await visitor.page.evaluate(() => {
    const name = (/** @type {Element} */ it) => it.getAttribute("aria-label") ?? it.textContent ?? it.tagName;
    const shown = [...document.querySelectorAll("button, a, input, select, summary, [role=button]")].filter(
      (it) => it.checkVisibility({ visibilityProperty: true, opacityProperty: true }),
    );
    const boxes = shown.map((it) => ({ name: name(it), box: it.getBoundingClientRect() }));
    return {
      overflow: (document.scrollingElement?.scrollWidth ?? 0) - innerWidth,
      targets: shown.length,
      outside: boxes
        .filter(({ box }) => box.left < 0 || box.right > innerWidth + 0.5)
        .map(({ name }) => name),
      small: boxes
        .filter(({ box }) => box.width < 44 || box.height < 44)
        .map(({ name, box }) => `${name} ${box.width}×${box.height}`),
    };
  });
  assert.ok(found.targets > 0, where);
  assert.ok(found.overflow <= 0, `${where}: ${found.overflow} px too wide`);
  assert.deepEqual(found.outside, [], `${where}: outside of the window`);
  assert.deepEqual(found.small, [], `${where}: too small to touch`);
}

for (const viewport of PHONES) {
  const inches = `${viewport.width}×${viewport.height}`;

  test(`on ${inches} every screen fits and can be touched, and the extra keys do what they say`, async (t) => {
    const ann = await newVisitor(t, browser, {
      viewport,
      hasTouch: true,
      isMobile: true,
    });
    await ann.page.goto(server.url);
    await ann.button("Log in").waitFor();
    await assertHandy(ann, "login");
    await ann.page.getByLabel("User name").fill(USER);
    await ann.page.getByLabel("Password").fill(PASSWORD);
    await ann.button("Log in").tap();
    await ann.button("New session").waitFor();
    await server.open({
      name: "a session with a name that is much longer than any telephone is wide",
      command: ["cat"],
    });
    await ann.sees(/a session with a name/);
    await assertHandy(ann, "list");

    await ann.button("New session").tap();
    await ann.page.getByRole("dialog").waitFor();
    await assertHandy(ann, "opening");
    await ann.button("Open").tap();
    await ann.state("live");
    await ann.lastLine(PROMPT);
    await assertHandy(ann, "session");

    await ann.run("sleep 100");
    await ann.line(`${PROMPT} sleep 100`);
    await ann.button("Control C").tap();
    await ann.lastLine(PROMPT);
    await ann.run("echo $?");
    await ann.line("130");
    // A key that comes before the shell asks for it is echoed beside the line it goes into.
    await ann.lastLine(PROMPT);

    // Up and Enter repeat it; Left goes back one.
    await ann.button("Up").tap();
    await ann.lastLine(`${PROMPT} echo $?`);
    await ann.type("1");
    await ann.button("Left").tap();
    await ann.type("x");
    await ann.lastLine(`${PROMPT} echo $?x1`);
    // Ctrl holds for one letter: the line is thrown away, and the next u is a u.
    await ann.button("Right").tap();
    await ann.button("Control, for the next key").tap();
    await ann.type("u");
    await ann.lastLine(PROMPT);
    await ann.run("echo u");
    await ann.line("u");
    await ann.lastLine(PROMPT);
    // Completion: the only command that starts so.
    await ann.type("echo /etc/pass");
    await ann.button("Tab").tap();
    await ann.lastLine(`${PROMPT} echo /etc/passwd`);
    await ann.button("Control C").tap();
    await ann.lastLine(PROMPT);

    await ann.button("Actions").tap();
    await ann.button("Rename").waitFor();
    await assertHandy(ann, "menu");
    await ann.button("Close").tap();
    await ann.page.getByRole("dialog").waitFor();
    await assertHandy(ann, "closing");
    await ann.button("Cancel").tap();
    await ann.run("exit 3");
    await ann.sees("The program exited with code 3.");
    await assertHandy(ann, "ended");
    await until(
      "no keys for a program that has ended",
      async () => (await ann.button("Control C").count()) === 0,
    );
  });

  test(`on ${inches} one shares, asks for control, pastes and looks after accounts`, async (t) => {
    const phone = { viewport, hasTouch: true, isMobile: true };
    const session = await server.open({ name: "shared" });
    const ann = await newVisitor(t, browser, phone);
    await ann.logIn(server.url);
    for (const [link, shown] of /** @type {const} */ ([
      ["Account", "Log out everywhere else"],
      ["Users", "Change ann"],
      ["Audit log", "Newest"],
    ])) {
      await ann.page.getByRole("link", { name: link }).tap();
      await ann.button(shown).waitFor();
      await ann.page.getByRole("listitem").first().waitFor();
      await assertHandy(ann, link);
    }
    await ann.page.getByRole("link", { name: "Users" }).tap();
    await ann.button("Add user").tap();
    await assertHandy(ann, "adding a user");
    await ann.page.keyboard.press("Escape");

    await ann.attach(server.url, session);
    await ann.lastLine(PROMPT);
    const link = await makeLink(ann, "Type");
    await ann.page.getByRole("button", { name: /^Revoke the link/ }).waitFor();
    await assertHandy(ann, "sharing");
    await ann.page.keyboard.press("Escape");
    await ann.button("Actions").tap();
    await ann.button("Take control").tap();
    await ann.sees("You have control");
    await assertHandy(ann, "in control");

    const guest = await newVisitor(t, browser, phone);
    await guest.page.goto(link);
    await guest.button("Ask for control").waitFor();
    await assertHandy(guest, "kept out");
    assert.equal(await guest.button("Control C").count(), 0, "no keys for who may not type");
    await guest.button("Ask for control").tap();
    await ann.button(/^Give control to/).waitFor();
    await assertHandy(ann, "asked for control");
    await ann.button(/^Give control to/).tap();
    await guest.sees("You have control now.");
    await guest.page.evaluate(() => {
      const clipboardData = new DataTransfer();
      clipboardData.setData("text/plain", "echo one\necho two\n");
      document.activeElement?.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true }));
    });
    await guest.sees("Paste 2 lines?");
    await assertHandy(guest, "pasting");
    await guest.button("Cancel").tap();
    await server.call("DELETE", `/api/sessions/${session.id}`);
    await guest.sees("This session was closed.");
  });
}
