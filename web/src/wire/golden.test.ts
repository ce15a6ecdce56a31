// The wire as both sides know it: the server's tests write and check the same file.

import { describe, expect, test } from "bun:test";
import golden from "../../../tests/fixtures/wire/golden.json";
import { decode, encodeCommand, encodeInput, encodeRendered, encodeResize } from "./protocol";

// biome-ignore lint/suspicious/noExplicitAny: the file holds every message there is; its shapes are what is tested.
type Fields = any;

const plain = (message: Fields): Fields => ({
  ...message,
  ...(message.bytes === undefined ? {} : { bytes: message.bytes.toHex() }),
  // An event of a later version is passed over.
  ...(message.event === null ? { event: { event: "unknown" } } : {}),
});

function encode(message: Fields): Uint8Array {
  switch (message.type) {
    case "input":
      return encodeInput(message.seq, Uint8Array.fromHex(message.bytes));
    case "rendered":
      return encodeRendered(message.offset);
    case "resize":
      return encodeResize(message.cols, message.rows);
    default:
      return encodeCommand(message.command);
  }
}

describe("golden messages", () => {
  for (const { dir, hex, json, name } of golden as {
    dir: string;
    hex: string;
    json: Fields;
    name: string;
  }[]) {
    test(`${dir}: ${name}`, () => {
      if (dir === "server") {
        expect(plain(decode(Uint8Array.fromHex(hex).buffer))).toEqual(json);
      } else if (json.type === "command") {
        // Members of JSON have no order.
        expect(JSON.parse(new TextDecoder().decode(encode(json).subarray(1)))).toEqual(json.command);
      } else {
        expect(encode(json).toHex()).toBe(hex);
      }
    });
  }
});
