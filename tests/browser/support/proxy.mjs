// The network between a page and the server: a TCP proxy that can break it at an exact byte.

import { once } from "node:events";
import { connect, createServer } from "node:net";

export class Network {
  #listener;
  /** @type {Set<import("node:net").Socket>} */
  #sockets = new Set();
  #targetPort = 0;
  #broken = false;
  // Bytes for the page until the next cut.
  #left = Number.POSITIVE_INFINITY;

  constructor() {
    this.#listener = createServer((page) => this.#accept(page));
  }

  // Starts listening before the server does, which must be told this origin as one of its own.
  static async open() {
    const network = new Network();
    network.#listener.listen(0, "127.0.0.1");
    await once(network.#listener, "listening");
    return network;
  }

  get origin() {
    const address = this.#listener.address();
    if (address === null || typeof address === "string") throw new Error("not listening");
    return `http://127.0.0.1:${address.port}`;
  }

  /** @param {number} port */
  leadTo(port) {
    this.#targetPort = port;
  }

  // Resets every connection and every new one.
  cut() {
    this.#broken = true;
    this.#left = Number.POSITIVE_INFINITY;
    for (const socket of this.#sockets) socket.resetAndDestroy();
    this.#sockets.clear();
  }

  // From a cut until it is restored.
  get isCut() {
    return this.#broken;
  }

  /**
   * Cuts after exactly so many more bytes have gone to the page, wherever in a message that is.
   * @param {number} bytes
   */
  cutAfter(bytes) {
    this.#left = bytes;
  }

  // Nothing comes through any more on the connections there are, and nobody is told; new ones work.
  silence() {
    for (const socket of this.#sockets) {
      socket.removeAllListeners("data");
      socket.on("data", () => {});
    }
  }

  restore() {
    this.#broken = false;
  }

  close() {
    this.cut();
    this.#listener.close();
  }

  /** @param {import("node:net").Socket} page */
  #accept(page) {
    if (this.#broken) {
      page.on("error", () => {});
      page.resetAndDestroy();
      return;
    }
    const server = connect(this.#targetPort, "127.0.0.1");
    for (const [socket, other] of /** @type {const} */ ([
      [page, server],
      [server, page],
    ])) {
      this.#sockets.add(socket);
      // Either end may go at any time; the other is then told in the same way.
      socket.on("error", () => {});
      socket.on("end", () => other.end());
      socket.on("close", () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
    }
    page.on("data", (chunk) => server.write(chunk));
    server.on("data", (chunk) => this.#toPage(Buffer.from(chunk), page, server));
  }

  /**
   * @param {Buffer} chunk
   * @param {import("node:net").Socket} page
   * @param {import("node:net").Socket} server
   */
  #toPage(chunk, page, server) {
    if (chunk.length >= this.#left) {
      // Flushed before the reset, or the last bytes would not arrive.
      const last = chunk.subarray(0, this.#left);
      server.pause();
      this.#left = Number.POSITIVE_INFINITY;
      page.write(last, () => this.cut());
      return;
    }
    this.#left -= chunk.length;
    if (!page.write(chunk)) {
      server.pause();
      page.once("drain", () => server.resume());
    }
  }
}
