// A real server with its own data directory, home and account, and its REST API with the server's local token.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const BINARY = process.env.FANTAIL_BIN ?? new URL("../../../target/debug/fantail", import.meta.url).pathname;

export const USER = "ann";
export const PASSWORD = "correct horse battery";

// What the shells of the tests print when they wait for a command.
export const PROMPT = "ready>";

/** @typedef {{ id: string, sessionId?: string, name: string | null, status: string, cols: number, rows: number,
 *   exitCode: number | null, viewers: number, output: { start: number, end: number } }} Session */

export class Server {
  /** @type {import("node:child_process").ChildProcess | null} */
  #process = null;
  #directory;
  #log = "";
  /** @type {string[]} */
  #settings = [];
  #token = "";
  // Where it listens, as it said itself.
  url = "";
  loginLink = "";

  /** @param {string} directory */
  constructor(directory) {
    this.#directory = directory;
  }

  /**
   * A new server. Its first account, and so its owner, is USER, unless `account` is false.
   * @param {{ settings?: string[], account?: boolean }} [wanted]
   */
  static async start({ settings = [], account = true } = {}) {
    const server = new Server(await mkdtemp(join(tmpdir(), "fantail-browser-")));
    // Read last by a login shell: nothing of the machine's own profile decides the prompt.
    await writeFile(
      join(server.#directory, ".bash_profile"),
      `PS1='${PROMPT} '\nunset HISTFILE PROMPT_COMMAND\n`,
    );
    if (account) await server.addUser(USER, PASSWORD);
    server.#settings = settings;
    await server.#launch("0");
    return server;
  }

  get authority() {
    return new URL(this.url).host;
  }

  get port() {
    return Number(new URL(this.url).port);
  }

  get log() {
    return this.#log;
  }

  /**
   * @param {string} name
   * @param {string} password
   */
  async addUser(name, password) {
    const child = this.#run(["user", "add", name]);
    child.stdin?.end(`${password}\n`);
    const [code] = await once(child, "exit");
    assert.equal(code, 0, this.#log);
  }

  /**
   * Ends it at once, as a crash does, or asks it to leave.
   * @param {"SIGKILL" | "SIGTERM"} signal
   */
  async end(signal) {
    const child = this.#process;
    this.#process = null;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill(signal);
    await ended;
  }

  // The same server again: same port, same data.
  async startAgain() {
    await this.#launch(String(this.port));
  }

  // The end of the test file: nothing stays on the machine.
  async discard() {
    await this.end("SIGTERM");
    await rm(this.#directory, { recursive: true, force: true });
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {object} [body]
   * @returns {Promise<any>}
   */
  async call(method, path, body) {
    const response = await fetch(this.url + path, {
      method,
      headers: {
        Authorization: `Bearer ${this.#token}`,
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    assert.ok(response.ok, `${method} ${path}: ${response.status} ${text}`);
    return text === "" ? null : JSON.parse(text);
  }

  /**
   * Opens a session with the login shell, or what `wanted` says.
   * @param {object} [wanted]
   * @returns {Promise<Session>}
   */
  open(wanted = {}) {
    return this.call("POST", "/api/sessions", wanted);
  }

  /**
   * @param {string} id
   * @returns {Promise<Session>}
   */
  session(id) {
    return this.call("GET", `/api/sessions/${id}`);
  }

  /** @param {string} port */
  async #launch(port) {
    // One that ends leaves nothing on the machine.
    const child = this.#run([
      "serve",
      "--no-holder",
      "--port",
      port,
      "--log-level",
      "warn",
      ...this.#settings,
    ]);
    this.#process = child;
    // A file that fails before it discards the server leaves nothing running either.
    process.once("exit", () => child.kill());
    assert.ok(child.stdout !== null);
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    const gone = once(child, "exit").then(() => ({ value: undefined }));
    const line = async () => {
      const { value } = await Promise.race([lines.next(), gone]);
      assert.ok(typeof value === "string", `the server ended: ${this.#log}`);
      return value;
    };
    this.url = await line();
    this.loginLink = (await line()).replace("login: ", "");
    this.#token = JSON.parse(await readFile(join(this.#directory, "data", "server.json"), "utf8")).token;
  }

  /** @param {string[]} words */
  #run(words) {
    const { PATH, USER: user = "root" } = process.env;
    const home = this.#directory;
    const child = spawn(BINARY, words, {
      cwd: home,
      env: {
        PATH,
        USER: user,
        HOME: home,
        SHELL: "/bin/bash",
        LANG: "C.UTF-8",
        FANTAIL_DATA_DIR: join(home, "data"),
      },
      stdio: ["pipe", "pipe", "pipe"],
    });
    child.stderr?.on("data", (chunk) => {
      this.#log += chunk;
    });
    return child;
  }
}
