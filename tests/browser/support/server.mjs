// A real server with its own data directory, home and account, and its REST API with the server's local token.

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { commandLine, isThere, processesOf } from "./processes.mjs";
import { until } from "./until.mjs";

const BINARY = process.env.FANTAIL_BIN ?? new URL("../../../target/debug/fantail", import.meta.url).pathname;

export const USER = "ann";
export const PASSWORD = "correct horse battery";

// What the shells of the tests print when they wait for a command.
export const PROMPT = "ready>";

/** @typedef {{ id: string, sessionId?: string, name: string | null, status: string, pid: number | null, cols: number, rows: number,
 *   exitCode: number | null, viewers: number, output: { start: number, end: number } }} Session */

export class Server {
  /** @type {import("node:child_process").ChildProcess | null} */
  #process = null;
  // The process that took over from it in an upgrade.
  /** @type {number | null} */
  #successor = null;
  #directory;
  #log = "";
  /** @type {string[]} */
  #settings = [];
  #token = "";
  // Its sessions are kept by a holder, and outlive it.
  #outlived = false;
  // Where it listens, as it said itself.
  url = "";
  loginLink = "";

  /** @param {string} directory */
  constructor(directory) {
    this.#directory = directory;
  }

  /**
   * A new server. Its first account, and so its owner, is USER, unless `account` is false. Its sessions end with it,
   * unless they are to outlive it.
   * @param {{ settings?: string[], account?: boolean, outlived?: boolean }} [wanted]
   */
  static async start({ settings = [], account = true, outlived = false } = {}) {
    const server = new Server(await mkdtemp(join(tmpdir(), "fantail-browser-")));
    server.#outlived = outlived;
    server.#leaveNothing();
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
    const successor = this.#successor;
    this.#successor = null;
    if (successor !== null) {
      process.kill(successor, signal);
      await until("its end", () => !isThere(successor));
      return;
    }
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

  // Has another process of the same program take over, as an administrator does, and waits until the old one is gone.
  async upgrade() {
    const old = this.#successor ?? this.#process?.pid;
    assert.ok(old !== undefined, "no server runs");
    const child = this.#run(["upgrade"]);
    const [code] = await once(child, "exit");
    assert.equal(code, 0, this.#log);
    await until("the old server's end", () => !isThere(old));
    const announced = await this.#announced();
    assert.notEqual(announced.pid, old);
    this.#successor = announced.pid;
    this.#token = announced.token;
  }

  // Ends what keeps the sessions, as a crash does. The server starts another.
  async killHolder() {
    const holder = await this.#holder();
    assert.ok(holder !== undefined, "no holder runs");
    process.kill(holder, "SIGKILL");
    await until("another holder", async () => ![undefined, holder].includes(await this.#holder()));
  }

  async #holder() {
    for (const pid of await processesOf(this.#directory)) {
      if ((await commandLine(pid))[1] === "holder") return pid;
    }
    return undefined;
  }

  // The end of the test file: nothing stays on the machine.
  async discard() {
    if (this.#outlived) {
      const [code] = await once(this.#run(this.#stopping), "exit");
      assert.equal(code, 0, this.#log);
      await until("all of its processes are gone", async () => {
        const left = await Promise.all((await processesOf(this.#directory)).map(commandLine));
        if (left.length > 0) throw new Error(left.map((words) => words.join(" ")).join(", "));
        return true;
      });
    } else {
      await this.end("SIGTERM");
    }
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
    // One that ends without a holder leaves nothing on the machine.
    const child = this.#run([
      "serve",
      ...(this.#outlived ? [] : ["--no-holder"]),
      "--port",
      port,
      "--log-level",
      "warn",
      ...this.#settings,
    ]);
    this.#process = child;
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
    this.#token = (await this.#announced()).token;
  }

  /** @returns {Promise<{ pid: number, token: string }>} */
  async #announced() {
    return JSON.parse(await readFile(join(this.#directory, "data", "server.json"), "utf8"));
  }

  // A file that fails before it discards the server, or is ended, leaves nothing running either.
  #leaveNothing() {
    process.once("exit", () => {
      this.#process?.kill();
      if (this.#outlived && existsSync(this.#directory)) spawnSync(BINARY, this.#stopping);
    });
    if (!this.#outlived) return;
    for (const signal of ["SIGTERM", "SIGINT"]) process.once(signal, () => process.exit(1));
  }

  // The words that end the server, if there is one, and its sessions.
  get #stopping() {
    return ["stop", "--sessions", "--data-dir", join(this.#directory, "data")];
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
        // All pages of a test file come from one address, and most are of one account.
        FANTAIL_RATE_REQUESTS: "1000000",
        FANTAIL_RATE_OPENINGS: "1000000",
        FANTAIL_RATE_TICKETS: "1000000",
        FANTAIL_RATE_SAVES: "1000000",
      },
      stdio: ["pipe", "pipe", "pipe"],
    });
    child.stderr?.on("data", (chunk) => {
      this.#log += chunk;
    });
    return child;
  }
}
