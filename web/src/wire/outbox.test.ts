import { describe, expect, test } from "bun:test";
import { Outbox, QUEUE_BYTES } from "./outbox";

const bytes = (text: string) => new TextEncoder().encode(text);
const LIMIT = 64 * 1024;

describe("outbox", () => {
  test("numbers from 1 in the order typed", () => {
    const outbox = new Outbox();
    outbox.push(bytes("a"));
    outbox.push(bytes("b"));
    expect(outbox.next(LIMIT)).toEqual({ seq: 1, bytes: bytes("a") });
    expect(outbox.next(LIMIT)).toEqual({ seq: 2, bytes: bytes("b") });
    expect(outbox.next(LIMIT)).toBeNull();
  });

  test("keeps at most inputBytes unacknowledged and goes on after an ack", () => {
    const outbox = new Outbox();
    outbox.push(new Uint8Array(100_000));
    let sent = 0;
    for (let message = outbox.next(40_000); message; message = outbox.next(40_000))
      sent += message.bytes.length;
    expect(sent).toBe(40_000);
    outbox.acknowledged(2);
    expect(outbox.next(40_000)?.seq).toBe(4);
  });

  test("a limit below one message cuts it", () => {
    const outbox = new Outbox();
    outbox.push(bytes("abcdef"));
    expect(outbox.next(4)).toEqual({ seq: 1, bytes: bytes("abcd") });
    expect(outbox.next(4)).toBeNull();
    outbox.acknowledged(1);
    expect(outbox.next(4)).toEqual({ seq: 2, bytes: bytes("ef") });
  });

  test("resume resends all above inputSeq and numbers on from there", () => {
    const outbox = new Outbox();
    for (const key of "abc") outbox.push(bytes(key));
    for (let i = 0; i < 3; i++) outbox.next(LIMIT);
    expect(outbox.resume(1).map((message) => message.seq)).toEqual([2, 3]);
    outbox.push(bytes("d"));
    expect(outbox.next(LIMIT)?.seq).toBe(4);
  });

  test("what the server has taken is not resent, and takes its room until it is written", () => {
    const outbox = new Outbox();
    for (const word of ["abc", "def", "ghij"]) outbox.push(bytes(word));
    for (let i = 0; i < 2; i++) outbox.next(8);
    expect(outbox.resume(1)).toEqual([{ seq: 2, bytes: bytes("def") }]);
    expect(outbox.pendingBytes).toBe(10);
    expect(outbox.next(8)).toEqual({ seq: 3, bytes: bytes("gh") });
    expect(outbox.next(8)).toBeNull();
    outbox.acknowledged(1);
    expect(outbox.next(8)).toEqual({ seq: 4, bytes: bytes("ij") });
    outbox.acknowledged(4);
    expect(outbox.pendingBytes).toBe(0);
  });

  test("a refused message is not resent, its neighbours are", () => {
    const outbox = new Outbox();
    for (const key of "abc") outbox.push(bytes(key));
    for (let i = 0; i < 3; i++) outbox.next(LIMIT);
    outbox.refused(2);
    expect(outbox.pendingBytes).toBe(2);
    expect(outbox.resume(2).map((message) => message.seq)).toEqual([3]);
  });

  test("a forgotten client id gives up what was sent and keeps what was not", () => {
    const outbox = new Outbox();
    outbox.push(bytes("sent"));
    outbox.next(LIMIT);
    outbox.push(bytes("kept"));
    expect(outbox.restart(0)).toBe(4);
    expect(outbox.next(LIMIT)).toEqual({ seq: 1, bytes: bytes("kept") });
  });

  test("refuses more than it may hold, whole", () => {
    const outbox = new Outbox();
    expect(outbox.push(new Uint8Array(QUEUE_BYTES))).toBe(true);
    expect(outbox.push(bytes("x"))).toBe(false);
    expect(outbox.pendingBytes).toBe(QUEUE_BYTES);
  });
});
