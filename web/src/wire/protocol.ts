// The messages of `fantail.v1` as bytes: encode and decode, nothing else.
// Must never touch a socket, keep state, or let a malformed message pass as a good one.

import type { Access, Session } from "../api/contract";

export const SUBPROTOCOL = "fantail.v1";

export class ProtocolError extends Error {}

export interface Limits {
  messageBytes: number;
  windowBytes: number;
  inputBytes: number;
  pingSeconds: number;
}

export interface Welcome {
  event: "welcome";
  session: Session;
  access: Access;
  // Whether this user says who else may reach the session.
  owns: boolean;
  clientId: string;
  inputSeq: number;
  offset: number;
  cols: number;
  rows: number;
  limits: Limits;
}

export interface Exit {
  event: "exit";
  code: number | null;
  signal: string | null;
  reason: string | null;
}

export interface Refused {
  event: "refused";
  command: string;
  code: string;
  seq?: number;
  error: string;
}

// A client that asks for control, and whose it is.
export interface Asking {
  client: string;
  name: string | null;
}

// Who has control, as far as anybody, and who asks for it.
export interface Control {
  event: "control";
  holder: string | null;
  name: string | null;
  asking: Asking[];
}

// A program wants this on the clipboard. `selection` says which, in the letters of OSC 52.
export interface Clipboard {
  event: "clipboard";
  selection: string;
  text: string;
}

export type SessionEvent =
  | Welcome
  | Exit
  | Refused
  | { event: "resize"; cols: number; rows: number }
  | { event: "viewers"; count: number }
  | { event: "renamed"; name: string }
  | { event: "started"; pid: number }
  | Control
  | { event: "title"; title: string }
  | { event: "cwd"; cwd: string }
  | { event: "bell"; count: number }
  | { event: "alternate"; on: boolean }
  | Clipboard
  | { event: "drain" };

export type ServerMessage =
  | { type: "output"; offset: number; bytes: Uint8Array }
  | { type: "snapshot"; offset: number; cols: number; rows: number; scrollback: number; bytes: Uint8Array }
  | { type: "gap"; from: number; to: number }
  | { type: "event"; offset: number; event: SessionEvent | null }
  | { type: "inputAck"; seq: number };

export type Command =
  | { command: "take-control" }
  | { command: "release-control" }
  | { command: "request-control" }
  | { command: "give-control"; client: string }
  | { command: "deny-control"; client: string }
  | { command: "fit" }
  | { command: "signal"; signal: string }
  | { command: "paste"; text: string; submit: boolean };

const SERVER = { output: 0x01, snapshot: 0x02, gap: 0x03, event: 0x04, inputAck: 0x05 } as const;
const CLIENT = { input: 0x01, rendered: 0x02, resize: 0x03, command: 0x04 } as const;

export function decode(data: ArrayBuffer): ServerMessage {
  const view = new DataView(data);
  if (data.byteLength === 0) throw new ProtocolError("an empty message");
  const type = view.getUint8(0);
  switch (type) {
    case SERVER.output:
      return { type: "output", offset: readU64(view, 1), bytes: new Uint8Array(data, 9) };
    case SERVER.snapshot:
      return {
        type: "snapshot",
        offset: readU64(view, 1),
        cols: readSize(view, 9),
        rows: readSize(view, 11),
        scrollback: readU32(view, 13),
        bytes: new Uint8Array(data, 17),
      };
    case SERVER.gap: {
      const gap = { type: "gap" as const, from: readU64(view, 1), to: readU64(view, 9) };
      if (gap.to < gap.from) throw new ProtocolError("a gap that runs backwards");
      return gap;
    }
    case SERVER.event:
      return { type: "event", offset: readU64(view, 1), event: readEvent(data) };
    case SERVER.inputAck:
      return { type: "inputAck", seq: readU64(view, 1) };
    default:
      throw new ProtocolError(`unknown message type 0x${type.toString(16)}`);
  }
}

export function encodeInput(seq: number, bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const message = start(CLIENT.input, 9 + bytes.length);
  writeU64(message, 1, seq);
  message.set(bytes, 9);
  return message;
}

export function encodeRendered(offset: number): Uint8Array<ArrayBuffer> {
  const message = start(CLIENT.rendered, 9);
  writeU64(message, 1, offset);
  return message;
}

export function encodeResize(cols: number, rows: number): Uint8Array<ArrayBuffer> {
  const message = start(CLIENT.resize, 5);
  const view = new DataView(message.buffer);
  view.setUint16(1, cols);
  view.setUint16(3, rows);
  return message;
}

export function encodeCommand(command: Command): Uint8Array<ArrayBuffer> {
  const json = new TextEncoder().encode(JSON.stringify(command));
  const message = start(CLIENT.command, 1 + json.length);
  message.set(json, 1);
  return message;
}

function start(type: number, length: number): Uint8Array<ArrayBuffer> {
  const message = new Uint8Array(length);
  message[0] = type;
  return message;
}

function writeU64(message: Uint8Array<ArrayBuffer>, at: number, value: number): void {
  new DataView(message.buffer).setBigUint64(at, BigInt(value));
}

// Addresses are u64 on the wire and numbers here: exact up to 2^53, which is 9 PB of output. Beyond it we refuse
// rather than round, because a rounded offset would lose or repeat bytes silently.
function readU64(view: DataView, at: number): number {
  if (view.byteLength < at + 8) throw new ProtocolError("a message cut short");
  const value = view.getBigUint64(at);
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new ProtocolError("a number above 2^53");
  return Number(value);
}

function readU32(view: DataView, at: number): number {
  if (view.byteLength < at + 4) throw new ProtocolError("a message cut short");
  return view.getUint32(at);
}

function readSize(view: DataView, at: number): number {
  if (view.byteLength < at + 2) throw new ProtocolError("a message cut short");
  return view.getUint16(at);
}

// The event, or null for one this client does not know: newer servers may say more than older pages understand.
function readEvent(data: ArrayBuffer): SessionEvent | null {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(new Uint8Array(data, 9)));
  } catch {
    throw new ProtocolError("an event that is not JSON");
  }
  if (typeof value !== "object" || value === null || !("event" in value)) {
    throw new ProtocolError("an event without a name");
  }
  const fields = value as Record<string, unknown>;
  const name = fields.event;
  if (typeof name !== "string") throw new ProtocolError("an event without a name");
  const shape = SHAPES[name];
  if (shape === undefined) return null;
  for (const [field, kinds] of Object.entries(shape)) {
    const found = fields[field] ?? null;
    if (!kinds.includes(found === null ? "null" : typeof found)) {
      throw new ProtocolError(`${name}: ${field} has the wrong type`);
    }
    fields[field] = found;
  }
  if (name === "control") fields.asking = readAsking(fields.asking);
  return fields as unknown as SessionEvent;
}

// An older server does not say who asks, because nobody can.
function readAsking(value: unknown): Asking[] {
  if (value === null) return [];
  if (!Array.isArray(value)) throw new ProtocolError("control: asking has the wrong type");
  return value.map((one: unknown) => {
    const { client, name = null } = (one ?? {}) as Record<string, unknown>;
    if (typeof client !== "string" || (name !== null && typeof name !== "string")) {
      throw new ProtocolError("control: asking has the wrong type");
    }
    return { client, name };
  });
}

// What each event must carry. Fields it may carry besides are left alone.
const SHAPES: Record<string, Record<string, string[]>> = {
  welcome: {
    session: ["object"],
    access: ["string"],
    owns: ["boolean"],
    clientId: ["string"],
    inputSeq: ["number"],
    offset: ["number"],
    cols: ["number"],
    rows: ["number"],
    limits: ["object"],
  },
  resize: { cols: ["number"], rows: ["number"] },
  viewers: { count: ["number"] },
  renamed: { name: ["string"] },
  started: { pid: ["number"] },
  control: { holder: ["string", "null"], name: ["string", "null"], asking: ["object", "null"] },
  title: { title: ["string"] },
  cwd: { cwd: ["string"] },
  bell: { count: ["number"] },
  alternate: { on: ["boolean"] },
  clipboard: { selection: ["string"], text: ["string"] },
  refused: { command: ["string"], code: ["string"], error: ["string"] },
  exit: { code: ["number", "null"], signal: ["string", "null"], reason: ["string", "null"] },
  drain: {},
};
