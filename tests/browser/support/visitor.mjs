// A browser of somebody's own: a context with its cookies, watched for everything a page must not do.

import assert from "node:assert/strict";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { PASSWORD, PROMPT, USER } from "./server.mjs";
import { PATIENCE_MS, until } from "./until.mjs";

/** @typedef {import("playwright-core").Browser} Browser */
/** @typedef {import("playwright-core").Page} Page */
/** @typedef {import("node:test").TestContext} TestContext */

const ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** @param {string[]} [more] */
export function startBrowser(more = []) {
  return chromium.launch({
    executablePath: process.env.CHROMIUM_BIN ?? "/usr/bin/chromium",
    args: [...ARGUMENTS, ...more],
  });
}

/**
 * @param {TestContext} t
 * @param {Browser} browser
 * @param {import("playwright-core").BrowserContextOptions} [options]
 */
export async function newVisitor(t, browser, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1000, height: 700 }, ...options });
  context.setDefaultTimeout(PATIENCE_MS);
  const problems = /** @type {string[]} */ ([]);
  context.on("weberror", (error) => problems.push(`uncaught: ${error.error().stack}`));
  context.on("dialog", (dialog) => {
    problems.push(`a dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  context.on("console", (message) => {
    if (/content.security.policy/i.test(message.text())) problems.push(message.text());
  });
  const page = await context.newPage();
  t.after(async () => {
    if (!t.passed) await describeFailure(t, page);
    await context.close();
    assert.deepEqual(problems, [], "what the page must not do");
  });
  return new Visitor(page);
}

/**
 * A visitor's page on a session.
 * @param {TestContext} t
 * @param {Browser} browser
 * @param {import("./server.mjs").Server} server
 * @param {{ id: string }} session
 */
export async function joined(t, browser, server, session) {
  const visitor = await newVisitor(t, browser);
  await visitor.logIn(server.url);
  await visitor.attach(server.url, session);
  return visitor;
}

/**
 * A visitor's page on a new session, whose shell is ready.
 * @param {TestContext} t
 * @param {Browser} browser
 * @param {import("./server.mjs").Server} server
 */
export async function atAShell(t, browser, server) {
  const session = await server.open();
  const ann = await joined(t, browser, server, session);
  await ann.lastLine(PROMPT);
  return { session, ann };
}

export class Visitor {
  /** @param {Page} page */
  constructor(page) {
    this.page = page;
  }

  /**
   * Logs in by the form.
   * @param {string} origin
   * @param {string} [name]
   * @param {string} [password]
   */
  async logIn(origin, name = USER, password = PASSWORD) {
    await this.page.goto(origin);
    await this.page.getByLabel("User name").fill(name);
    await this.page.getByLabel("Password").fill(password);
    await this.page.getByRole("button", { name: "Log in" }).click();
    await this.page.getByRole("button", { name: "New session" }).waitFor();
  }

  /**
   * Shows a session, by its address.
   * @param {string} origin
   * @param {{ id: string }} session
   * @param {number} [scrollback]
   */
  async attach(origin, session, scrollback) {
    const query = scrollback === undefined ? "" : `?scrollback=${scrollback}`;
    await this.page.goto(`${origin}/s/${session.id}${query}`);
    await this.state("live");
  }

  // --- the terminal ---

  /** @param {string} state */
  state(state) {
    return until(`state ${state}`, async () => {
      const now = await this.page.evaluate(() => window.fantail?.state);
      if (now !== state) throw new Error(now ?? "no session on the page");
      return true;
    });
  }

  text() {
    return this.page.evaluate(() => window.fantail?.text() ?? "");
  }

  async lines() {
    return (await this.text()).split("\n");
  }

  async size() {
    const size = await this.page.evaluate(() => [window.fantail?.cols, window.fantail?.rows]);
    return `${size[0]}×${size[1]}`;
  }

  offset() {
    return this.page.evaluate(() => window.fantail?.offset ?? 0);
  }

  /**
   * Until the terminal shows a whole line.
   * @param {string} line
   */
  line(line) {
    return this.#ends((lines, line) => lines.includes(line), line);
  }

  /**
   * Until the last line of the terminal is this.
   * @param {string} line
   */
  lastLine(line) {
    return this.#ends((lines, line) => lines.at(-1) === line, line);
  }

  /**
   * Looks at the last lines in the page: a long scrollback is not carried over for each look.
   * @param {(lines: string[], line: string) => boolean} holds
   * @param {string} line
   */
  #ends(holds, line) {
    return until(`the line ${JSON.stringify(line)}`, async () => {
      const end = await this.page.evaluate(() => window.fantail?.text().slice(-10_000) ?? "");
      const lines = end.split("\n");
      if (!holds(lines, line)) throw new Error(lines.slice(-12).join("\n"));
      return true;
    });
  }

  /** @param {string} text */
  async type(text) {
    await this.page.keyboard.type(text);
  }

  /**
   * Types a command and Enter.
   * @param {string} command
   */
  async run(command) {
    await this.type(command);
    await this.page.keyboard.press("Enter");
  }

  // --- the page ---

  /** @param {string | RegExp} name */
  button(name) {
    return this.page.getByRole("button", { name, exact: typeof name === "string" });
  }

  /** @param {string | RegExp} text */
  async sees(text) {
    await this.page.getByText(text).first().waitFor();
  }

  /**
   * Moves the focus with the Tab key only.
   * @param {string} name accessible name
   */
  async tabTo(name) {
    const focused = () =>
      this.page.evaluate(() => {
        const at = document.activeElement;
        return at?.getAttribute("aria-label") ?? at?.textContent?.trim() ?? "";
      });
    const passed = [];
    while ((await focused()) !== name) {
      passed.push(await focused());
      assert.ok(passed.length < 60, `Tab never comes to ${name}: ${passed.join(" | ")}`);
      await this.page.keyboard.press("Tab");
    }
  }
}

/**
 * What one wants to know of a page at which a test failed.
 * @param {TestContext} t
 * @param {Page} page
 */
async function describeFailure(t, page) {
  const name = t.name.replaceAll(/[^a-z0-9]+/gi, "-").slice(0, 60);
  const file = join(tmpdir(), `fantail-${name}-${Math.random().toString(36).slice(2, 6)}.png`);
  try {
    await page.screenshot({ path: file, timeout: 10_000 });
    const badge = await page.locator(".badge").allTextContents();
    t.diagnostic(`page at ${page.url()} says ${badge}; picture: ${file}`);
  } catch (error) {
    t.diagnostic(`page at ${page.url()} cannot be described: ${error}`);
  }
}
