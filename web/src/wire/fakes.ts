// A socket and a clock for tests of the connection: nothing moves unless the test moves it.

import type { Clock, Socket } from "./connection";

export class FakeClock implements Clock {
  jitter = 0.5;
  #now = 1_000_000;
  #timers: { at: number; run: () => void }[] = [];

  now(): number {
    return this.#now;
  }
  random(): number {
    return this.jitter;
  }
  after(ms: number, run: () => void): () => void {
    const timer = { at: this.#now + ms, run };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }
  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const due = this.#timers.filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#timers = this.#timers.filter((timer) => timer !== due);
      this.#now = due.at;
      due.run();
    }
    this.#now = end;
  }
}

export class FakeSocket implements Socket {
  onmessage: ((data: ArrayBuffer) => void) | null = null;
  onclose: ((code: number, reason: string) => void) | null = null;
  readonly sent: Uint8Array[] = [];
  closedWith: number | null = null;

  send(message: Uint8Array<ArrayBuffer>): void {
    this.sent.push(message);
  }
  close(code: number): void {
    this.closedWith ??= code;
  }
  drop(code: number, reason = ""): void {
    this.onclose?.(code, reason);
  }

  output(offset: number, text: string): void {
    this.#say(1, [offset], new TextEncoder().encode(text));
  }
  snapshot(offset: number, cols: number, rows: number, text: string): void {
    const rest = new Uint8Array(8 + text.length);
    new DataView(rest.buffer).setUint32(0, (cols << 16) | rows);
    rest.set(new TextEncoder().encode(text), 8);
    this.#say(2, [offset], rest);
  }
  gap(from: number, to: number): void {
    this.#say(3, [from, to], new Uint8Array(0));
  }
  event(offset: number, event: object): void {
    this.#say(4, [offset], new TextEncoder().encode(JSON.stringify(event)));
  }
  ack(seq: number): void {
    this.#say(5, [seq], new Uint8Array(0));
  }

  inputs(): string[] {
    return this.sent
      .filter((message) => message[0] === 1)
      .map((message) => `${this.#u64(message)}:${new TextDecoder().decode(message.subarray(9))}`);
  }
  renderedOffsets(): number[] {
    return this.sent.filter((message) => message[0] === 2).map((message) => this.#u64(message));
  }

  #u64(message: Uint8Array): number {
    return Number(new DataView(message.buffer).getBigUint64(1));
  }
  #say(type: number, numbers: number[], rest: Uint8Array): void {
    const message = new Uint8Array(1 + 8 * numbers.length + rest.length);
    message[0] = type;
    numbers.forEach((value, i) => {
      new DataView(message.buffer).setBigUint64(1 + 8 * i, BigInt(value));
    });
    message.set(rest, 1 + 8 * numbers.length);
    this.onmessage?.(message.buffer);
  }
}

// Let promises that are already decided run their continuations.
export async function settle(): Promise<void> {
  for (let i = 0; i < 5; i++) await Promise.resolve();
}
