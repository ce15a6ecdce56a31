// Our screen, in a process of its own: examples/screen_states.rs.

import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const BUILT = new URL("../../../target/debug/examples/screen_states", import.meta.url);
const PROGRAM = process.env.SCREEN_STATES ?? fileURLToPath(BUILT);

/**
 * @typedef {import("../cases/case.mjs").Step} Step
 * @typedef {Step | { ask: "state" | "snapshot" }} Order
 * @typedef {Record<string, any> & { modes: Record<string, unknown> }} State what state.mjs gives
 * @typedef {{ states: State[], snapshots: Uint8Array[] }} Answer
 */

/** Asked between the steps of a job. */
export const STATE = /** @type {const} */ ({ ask: "state" });
export const SNAPSHOT = /** @type {const} */ ({ ask: "snapshot" });

/** @param {string | Uint8Array} output */
export const bytesOf = (output) => (typeof output === "string" ? Buffer.from(output) : output);

export class Engine {
  /** @type {{ resolve: (answer: Answer) => void, reject: (error: Error) => void, job: string }[]} */
  #waiting = [];
  #rest = "";

  constructor() {
    this.child = spawn(PROGRAM, { stdio: ["pipe", "pipe", "inherit"] });
    this.child.stdout.setEncoding("utf8");
    this.child.stdout.on("data", (text) => this.#take(text));
    this.child.on("error", (error) => this.#fail(error));
    this.child.on("exit", (code) => this.#fail(new Error(`${PROGRAM} ended (${code})`)));
    // What it did not read any more is told by its end.
    this.child.stdin.on("error", () => {});
  }

  /** @param {string} text */
  #take(text) {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) {
      const { states, snapshots } = JSON.parse(line);
      this.#waiting.shift()?.resolve({
        states,
        snapshots: snapshots.map((/** @type {string} */ s) => Buffer.from(s, "base64")),
      });
    }
  }

  /** @param {Error} error */
  #fail(error) {
    const [first, ...others] = this.#waiting.splice(0);
    first?.reject(new Error(`${error.message}, on ${first.job}`));
    for (const other of others) other.reject(error);
  }

  /**
   * @param {number} cols
   * @param {number} rows
   * @param {number} scrollback
   * @param {Order[]} steps
   * @returns {Promise<Answer>}
   */
  run(cols, rows, scrollback, steps) {
    const job = JSON.stringify({
      cols,
      rows,
      scrollback,
      steps: steps.map((step) => {
        if (Array.isArray(step)) return { resize: step };
        if (typeof step === "object" && "ask" in step) {
          return step.ask === "state" ? { state: true } : { snapshot: scrollback };
        }
        return { feed: Buffer.from(bytesOf(step)).toString("base64") };
      }),
    });
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject, job });
      this.child.stdin.write(`${job}\n`);
    });
  }

  close() {
    this.child.removeAllListeners("exit");
    this.child.stdin.end();
  }
}
