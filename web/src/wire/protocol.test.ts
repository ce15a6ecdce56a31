import { describe, expect, test } from "bun:test";
import {
  decode,
  encodeCommand,
  encodeInput,
  encodeRendered,
  encodeResize,
  ProtocolError,
  type SessionEvent,
} from "./protocol";

const hex = (bytes: Uint8Array) => bytes.toHex();
const frame = (digits: string) => Uint8Array.fromHex(digits.replaceAll(" ", "")).buffer;
const eventFrame = (offset: number, json: string) => {
  const body = new TextEncoder().encode(json);
  const data = new Uint8Array(9 + body.length);
  data[0] = 4;
  new DataView(data.buffer).setBigUint64(1, BigInt(offset));
  data.set(body, 9);
  return data.buffer;
};

describe("client messages", () => {
  test("INPUT is a type, a big-endian sequence number and the bytes", () => {
    expect(hex(encodeInput(258, new Uint8Array([0x6c, 0x73, 0x0d])))).toBe("0100000000000001026c730d");
  });
  test("RENDERED carries offsets above 2^32 exactly", () => {
    expect(hex(encodeRendered(2 ** 40 + 5))).toBe("020000010000000005");
  });
  test("RESIZE is two u16", () => expect(hex(encodeResize(300, 40))).toBe("03012c0028"));
  test("COMMAND is JSON", () => {
    const message = encodeCommand({ command: "paste", text: "é", submit: true });
    expect(message[0]).toBe(4);
    expect(JSON.parse(new TextDecoder().decode(message.subarray(1)))).toEqual({
      command: "paste",
      text: "é",
      submit: true,
    });
  });
});

describe("server messages", () => {
  test("OUTPUT", () => {
    expect(decode(frame("01 0000000000000100 6869"))).toEqual({
      type: "output",
      offset: 256,
      bytes: new Uint8Array([0x68, 0x69]),
    });
  });
  test("OUTPUT may be empty", () => {
    expect(decode(frame("01 0000000000000001"))).toMatchObject({ type: "output", bytes: new Uint8Array(0) });
  });
  test("SNAPSHOT", () => {
    expect(decode(frame("02 0000000000000007 0050 0018 00000064 41"))).toEqual({
      type: "snapshot",
      offset: 7,
      cols: 80,
      rows: 24,
      scrollback: 100,
      bytes: new Uint8Array([0x41]),
    });
  });
  test("GAP", () => {
    expect(decode(frame("03 0000000000000001 0000000000000009"))).toEqual({ type: "gap", from: 1, to: 9 });
  });
  test("INPUT_ACK", () => expect(decode(frame("05 0000000000000003"))).toEqual({ type: "inputAck", seq: 3 }));
  test("EVENT with absent fields read as null", () => {
    expect(decode(eventFrame(12, '{"event":"exit","code":3}'))).toEqual({
      type: "event",
      offset: 12,
      event: { event: "exit", code: 3, signal: null, reason: null },
    });
  });
  test("who asks for control, and that nobody can at an older server", () => {
    const told = { event: "control", holder: "a", name: "ann", asking: [{ client: "b", name: null }] };
    expect(decode(eventFrame(3, JSON.stringify(told)))).toEqual({
      type: "event",
      offset: 3,
      event: told as SessionEvent,
    });
    expect(decode(eventFrame(3, '{"event":"control","holder":"a"}'))).toMatchObject({
      event: { holder: "a", name: null, asking: [] },
    });
  });
  test("an event of a newer server is skipped, not an error", () => {
    expect(decode(eventFrame(1, '{"event":"dance"}'))).toEqual({ type: "event", offset: 1, event: null });
  });
});

describe("malformed messages are refused", () => {
  const bad: [string, ArrayBuffer][] = [
    ["empty", new ArrayBuffer(0)],
    ["unknown type", frame("09 00")],
    ["cut offset", frame("01 000000")],
    ["cut snapshot", frame("02 0000000000000007 0050")],
    ["gap that runs backwards", frame("03 0000000000000009 0000000000000001")],
    ["offset above 2^53", frame("01 ffffffffffffffff 41")],
    ["not JSON", eventFrame(0, "nope")],
    ["no name", eventFrame(0, "{}")],
    ["wrong type of a field", eventFrame(0, '{"event":"resize","cols":"80","rows":24}')],
    ["asking is no list", eventFrame(0, '{"event":"control","holder":null,"asking":{}}')],
    ["one that asks is no client", eventFrame(0, '{"event":"control","holder":null,"asking":[null]}')],
    ["missing field", eventFrame(0, '{"event":"resize","cols":80}')],
  ];
  for (const [name, data] of bad) test(name, () => expect(() => decode(data)).toThrow(ProtocolError));
});
