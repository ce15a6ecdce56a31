// Input on its way to the session: numbered once, kept until acknowledged, never sent twice under two numbers.
// Must never drop a byte it accepted without saying so, nor number a byte before it is about to be sent: a number
// that was given and never sent would be a hole, which the server refuses.

// Largest INPUT message. Small enough that a paste is acknowledged in steps and Ctrl-C is not stuck behind it.
const CHUNK_BYTES = 16 * 1024;

// What a page may hold back, a large paste on a slow line; more is refused with a message.
export const QUEUE_BYTES = 8 * 1024 * 1024;

export interface Numbered {
  seq: number;
  bytes: Uint8Array;
}

export class Outbox {
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #sent: Numbered[] = [];
  #sentBytes = 0;
  #lastSeq = 0;
  // What the server had when it last said welcome. It is acknowledged, written or refused, as anything else is.
  #taken = 0;

  // Bytes accepted and not yet written to the PTY.
  get pendingBytes(): number {
    return this.#waitingBytes + this.#sentBytes;
  }

  push(bytes: Uint8Array): boolean {
    if (this.pendingBytes + bytes.length > QUEUE_BYTES) return false;
    for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
      this.#waiting.push(bytes.slice(at, at + CHUNK_BYTES));
    }
    this.#waitingBytes += bytes.length;
    return true;
  }

  // The next message to send, or null when nothing waits or `inputBytes` are on their way already.
  next(inputBytes: number): Numbered | null {
    const first = this.#waiting[0];
    const room = inputBytes - this.#sentBytes;
    if (first === undefined || room <= 0) return null;
    const bytes = first.subarray(0, room);
    if (bytes.length === first.length) this.#waiting.shift();
    else this.#waiting[0] = first.subarray(room);
    this.#waitingBytes -= bytes.length;
    this.#lastSeq += 1;
    const message = { seq: this.#lastSeq, bytes };
    this.#sent.push(message);
    this.#sentBytes += bytes.length;
    return message;
  }

  acknowledged(seq: number): void {
    this.#forget((message) => message.seq <= seq);
  }

  // A refused message counts as handled; the ones before it are still on their way.
  refused(seq: number): void {
    this.#forget((message) => message.seq === seq);
  }

  // The same client id was taken up again: what must be sent once more, in order. What the server has taken must not,
  // but it is still in the window: the server queues it until the program reads it, and acknowledges it then.
  resume(inputSeq: number): Numbered[] {
    this.#taken = inputSeq;
    this.#lastSeq = Math.max(inputSeq, this.#sent.at(-1)?.seq ?? 0);
    return this.#sent.filter((message) => message.seq > inputSeq);
  }

  // The server does not know the client id any more. What was sent may or may not have been written, and typing a
  // command twice is worse than not at all, so it is given up. Returns how many bytes that were.
  restart(inputSeq: number): number {
    const lost = this.#sentBytes;
    this.#sent = [];
    this.#sentBytes = 0;
    this.#lastSeq = inputSeq;
    this.#taken = inputSeq;
    return lost;
  }

  // Forget what has not been sent: the page is not to type any more. Returns how many bytes that were.
  clear(): number {
    const lost = this.#waitingBytes;
    this.#waiting = [];
    this.#waitingBytes = 0;
    return lost;
  }

  // As `clear`, and of what was sent all that the server has not taken: it may not be sent again, and must not be
  // when the page may type again, long after. Returns how many bytes that were.
  withdraw(): number {
    const before = this.pendingBytes;
    this.clear();
    this.#forget((message) => message.seq > this.#taken);
    this.#lastSeq = this.#taken;
    return before - this.pendingBytes;
  }

  #forget(handled: (message: Numbered) => boolean): void {
    this.#sent = this.#sent.filter((message) => !handled(message));
    this.#sentBytes = this.#sent.reduce((sum, message) => sum + message.bytes.length, 0);
  }
}
