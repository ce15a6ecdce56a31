// One page attached to one session, across as many sockets as that takes: dial, resume, retry, give up.
// Owns the received offset and the outbox. Must never deliver an output byte twice or skip one silently, and knows
// nothing of the terminal, the DOM or REST: socket, clock and listener come in as arguments.

import type { Access } from "../api/contract";
import { backoff } from "./backoff";
import { Outbox } from "./outbox";
import {
  type Command,
  decode,
  encodeCommand,
  encodeInput,
  encodeRendered,
  encodeResize,
  type Limits,
  ProtocolError,
  type ServerMessage,
  type SessionEvent,
  type Welcome,
} from "./protocol";

// From the first step of an attempt to its welcome. A half-open network would otherwise hang for minutes.
const WELCOME_MS = 15_000;

// An attempt that stayed up this long was a good one: the next drop starts the backoff afresh.
const SETTLED_MS = 5_000;

// Tell the server what was drawn every this many bytes, and after a pause for the rest.
const ACK_BYTES = 32 * 1024;
const ACK_IDLE_MS = 60;

// A page that disagrees with its server on every attempt would only disturb it; then we stop and say so.
const DISAGREEMENTS = 5;

// After a limit was hit (4429) the backoff starts here: about 4 s.
const LIMIT_ATTEMPT = 4;

export interface Socket {
  onmessage: ((data: ArrayBuffer) => void) | null;
  onclose: ((code: number, reason: string) => void) | null;
  send(message: Uint8Array<ArrayBuffer>): void;
  close(code: number): void;
}

export interface DialRequest {
  from: number | "snapshot";
  clientId: string | null;
  access: Access;
  // The last socket was ended because its token expired.
  renew: boolean;
  // The last attempt never came to a welcome: ask REST why before trying again, a socket cannot say.
  lookUp: boolean;
}

// What a dial may answer besides a socket. Anything else it throws is retried.
export class Gone extends Error {}
export class OffsetUnknown extends Error {}

export interface Clock {
  now(): number;
  random(): number;
  after(ms: number, run: () => void): () => void;
}

export type Phase =
  | { name: "connecting"; again: boolean }
  | { name: "live"; access: Access }
  | { name: "waiting"; until: number; why: string }
  | { name: "draining"; access: Access }
  | { name: "closed" }
  | { name: "refused"; why: string };

export interface Listener {
  phase(phase: Phase): void;
  // `received` is where this connection's output continues.
  welcome(welcome: Welcome, received: number): void;
  output(offset: number, bytes: Uint8Array): void;
  snapshot(offset: number, cols: number, rows: number, bytes: Uint8Array): void;
  // Output that this page will never get; a snapshot follows.
  gap(from: number, to: number): void;
  // Everything the page had is void: the server no longer knows that far.
  startOver(): void;
  event(event: SessionEvent): void;
  inputLost(bytes: number): void;
}

export class Connection {
  readonly #dial: (request: DialRequest) => Promise<Socket>;
  readonly #listener: Listener;
  readonly #clock: Clock;
  readonly #outbox = new Outbox();

  #access: Access;
  #phase: Phase = { name: "connecting", again: false };
  #socket: Socket | null = null;
  #attempt = 0;
  #disagreements = 0;
  #generation = 0;
  #cancelTimer: () => void = () => {};
  #cancelAck: (() => void) | null = null;
  #renew = false;
  #lookUp = false;
  #welcomedAt: number | null = null;
  #clientId: string | null = null;
  #limits: Limits | null = null;
  #received: number | null = null;
  // A SNAPSHOT or OUTPUT was taken. Until then `#received` is only the welcome's word, and nothing is there to go on
  // from: a resume would never be sent the screen.
  #hasBegun = false;
  // A gap was announced and its snapshot has not come: what follows would make no sense without it.
  #skipping = false;
  #rendered = 0;
  #toldRendered = 0;

  constructor(
    dial: (request: DialRequest) => Promise<Socket>,
    listener: Listener,
    clock: Clock,
    access: Access,
  ) {
    this.#dial = dial;
    this.#listener = listener;
    this.#clock = clock;
    this.#access = access;
  }

  get clientId(): string | null {
    return this.#clientId;
  }

  get pendingInput(): number {
    return this.#outbox.pendingBytes;
  }

  get pingSeconds(): number {
    return this.#limits?.pingSeconds ?? 20;
  }

  start(): void {
    this.#connect();
  }

  // Leave for good. No listener is called after this.
  stop(): void {
    this.#drop();
    this.#cancelTimer();
    this.#generation += 1;
  }

  // Something may have changed (network back, page visible): do not sit out the wait.
  nudge(): void {
    if (this.#phase.name === "waiting") this.#connect();
  }

  // The socket may be dead without knowing it. Resuming is exact, so a new one costs nothing.
  redial(): void {
    if (this.#phase.name === "closed" || this.#phase.name === "refused") return;
    this.#connect();
  }

  attachAs(access: Access): void {
    this.#access = access;
    if (access === "view") this.#tellLost(this.#outbox.clear());
    this.redial();
  }

  // False when it was not taken: the page only watches, or is about to, or already holds back as much as it may.
  // Before a welcome says otherwise, what is typed waits.
  input(bytes: Uint8Array): boolean {
    if (this.#access === "view" || this.#granted === "view") return false;
    const taken = this.#outbox.push(bytes);
    this.#sendInput();
    return taken;
  }

  resize(cols: number, rows: number): void {
    if (this.#mayAct()) this.#socket?.send(encodeResize(cols, rows));
  }

  command(command: Command): void {
    if (this.#mayAct()) this.#socket?.send(encodeCommand(command));
  }

  rendered(offset: number): void {
    this.#rendered = offset;
    if (offset - this.#toldRendered >= ACK_BYTES) this.#tellRendered();
    else this.#cancelAck ??= this.#clock.after(ACK_IDLE_MS, () => this.#tellRendered());
  }

  // What the welcome granted; null while there is no connection to use it on.
  get #granted(): Access | null {
    return this.#phase.name === "live" || this.#phase.name === "draining" ? this.#phase.access : null;
  }

  #mayAct(): boolean {
    return this.#granted === "control";
  }

  #enter(phase: Phase): void {
    this.#phase = phase;
    this.#listener.phase(phase);
  }

  #connect(): void {
    this.#drop();
    this.#cancelTimer();
    this.#generation += 1;
    const generation = this.#generation;
    this.#enter({ name: "connecting", again: this.#received !== null });
    const request: DialRequest = {
      from: this.#hasBegun && this.#received !== null ? this.#received : "snapshot",
      clientId: this.#clientId,
      access: this.#access,
      renew: this.#renew,
      lookUp: this.#lookUp,
    };
    this.#cancelTimer = this.#clock.after(WELCOME_MS, () => this.#retry("no answer", 0));
    this.#dial(request).then(
      (socket) => {
        if (generation === this.#generation) this.#adopt(socket);
        else socket.close(1000);
      },
      (error: unknown) => {
        if (generation === this.#generation) this.#dialFailed(error);
      },
    );
  }

  #adopt(socket: Socket): void {
    this.#socket = socket;
    this.#lookUp = true;
    socket.onmessage = (data) => {
      try {
        this.#receive(decode(data));
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
        socket.close(4400);
        this.#disagree(error.message);
      }
    };
    socket.onclose = (code, reason) => this.#closed(code, reason);
  }

  #dialFailed(error: unknown): void {
    if (error instanceof Gone) {
      this.#finish({ name: "refused", why: error.message });
    } else if (error instanceof OffsetUnknown) {
      this.#received = null;
      this.#hasBegun = false;
      this.#listener.startOver();
      this.#retry(error.message, 0);
    } else {
      this.#retry(error instanceof Error ? error.message : "cannot connect", 0);
    }
  }

  // Forget the socket without hearing from it again.
  #drop(): void {
    this.#cancelAck?.();
    this.#cancelAck = null;
    const socket = this.#socket;
    this.#socket = null;
    if (socket === null) return;
    socket.onmessage = null;
    socket.onclose = null;
    socket.close(1000);
  }

  #finish(phase: Phase): void {
    this.#drop();
    this.#cancelTimer();
    this.#generation += 1;
    this.#enter(phase);
  }

  #retry(why: string, atLeast: number): void {
    if (this.#settled()) {
      this.#attempt = 0;
      this.#disagreements = 0;
    }
    this.#welcomedAt = null;
    this.#attempt = Math.max(this.#attempt, atLeast);
    const wait = backoff(this.#attempt, () => this.#clock.random());
    this.#attempt += 1;
    this.#finish({ name: "waiting", until: this.#clock.now() + wait, why });
    this.#cancelTimer = this.#clock.after(wait, () => this.#connect());
  }

  #settled(): boolean {
    return this.#welcomedAt !== null && this.#clock.now() - this.#welcomedAt >= SETTLED_MS;
  }

  #disagree(why: string): void {
    this.#disagreements += 1;
    if (this.#disagreements < DISAGREEMENTS) this.#retry(why, 0);
    else this.#finish({ name: "refused", why: `page and server do not understand each other: ${why}` });
  }

  #closed(code: number, reason: string): void {
    switch (code) {
      case 1000:
        return this.#finish({ name: "closed" });
      case 4401: {
        this.#renew = true;
        // At once, unless a token just renewed was refused too.
        return this.#settled() ? this.#connect() : this.#retry("login expired", 0);
      }
      // For 4409, coming back would only throw the other connection out in turn.
      case 4403:
      case 4404:
      case 4409:
        return this.#finish({ name: "refused", why: reason || `refused with ${code}` });
      case 4429:
        return this.#retry(reason || "a limit of the server", LIMIT_ATTEMPT);
      case 1002:
      case 1007:
      case 1009:
      case 4400:
        return this.#disagree(reason || `closed with ${code}`);
      case 1001:
      case 1012:
        return this.#retry("the server is restarting", 0);
      default:
        return this.#retry(reason || "connection lost", 0);
    }
  }

  #receive(message: ServerMessage): void {
    if (message.type === "event" && message.event?.event === "welcome") return this.#welcome(message.event);
    if (this.#received === null || this.#limits === null) throw new ProtocolError("no welcome first");
    switch (message.type) {
      case "output":
        return this.#output(message.offset, message.bytes, this.#received);
      case "snapshot":
        this.#skipping = false;
        this.#hasBegun = true;
        this.#received = message.offset;
        return this.#listener.snapshot(message.offset, message.cols, message.rows, message.bytes);
      case "gap":
        if (message.from > this.#received) throw new ProtocolError("a hole before a gap");
        // What was received stays where it is: a connection that breaks before the snapshot must ask for one again.
        this.#skipping = true;
        if (message.to > this.#received) this.#listener.gap(this.#received, message.to);
        return;
      case "inputAck":
        this.#outbox.acknowledged(message.seq);
        return this.#sendInput();
      case "event":
        if (message.event !== null) this.#event(message.event, message.offset);
    }
  }

  #output(offset: number, bytes: Uint8Array, received: number): void {
    if (this.#skipping) throw new ProtocolError("a gap without its snapshot");
    if (offset > received) throw new ProtocolError(`bytes ${received} to ${offset} are missing`);
    const news = bytes.subarray(received - offset);
    if (news.length === 0) return;
    this.#hasBegun = true;
    this.#received = received + news.length;
    this.#listener.output(received, news);
  }

  #event(event: SessionEvent, offset: number): void {
    // Sent again for bytes that were drawn before the drop: applying an old size now would be out of order.
    if (event.event === "resize" && offset < (this.#received ?? 0)) return;
    if (event.event === "refused" && event.seq !== undefined) {
      this.#outbox.refused(event.seq);
      // What waited for its room is refused as well, and now: kept, it would be typed when nobody expects it any more.
      this.#sendInput();
    }
    if (event.event === "drain" && this.#phase.name === "live") {
      this.#enter({ name: "draining", access: this.#phase.access });
    }
    this.#listener.event(event);
  }

  #welcome(welcome: Welcome): void {
    this.#cancelTimer();
    this.#renew = false;
    this.#lookUp = false;
    this.#welcomedAt = this.#clock.now();
    this.#limits = welcome.limits;
    this.#skipping = false;
    if (this.#received === null || !this.#hasBegun) {
      this.#received = welcome.offset;
      this.#rendered = welcome.offset;
    }
    const known = this.#clientId === welcome.clientId;
    this.#clientId = welcome.clientId;
    this.#enter({ name: "live", access: welcome.access });
    this.#listener.welcome(welcome, this.#received);
    // The window counts from here: without a first ack the server would send whatever the socket takes.
    this.#tellRendered();
    const again = known ? this.#outbox.resume(welcome.inputSeq) : [];
    let lost = known ? 0 : this.#outbox.restart(welcome.inputSeq);
    if (welcome.access === "view") lost += this.#outbox.withdraw();
    else for (const { seq, bytes } of again) this.#socket?.send(encodeInput(seq, bytes));
    this.#tellLost(lost);
    this.#sendInput();
  }

  #tellLost(bytes: number): void {
    if (bytes > 0) this.#listener.inputLost(bytes);
  }

  #sendInput(): void {
    if (!this.#mayAct() || this.#limits === null) return;
    for (;;) {
      const message = this.#outbox.next(this.#limits.inputBytes);
      if (message === null) return;
      this.#socket?.send(encodeInput(message.seq, message.bytes));
    }
  }

  #tellRendered(): void {
    this.#cancelAck?.();
    this.#cancelAck = null;
    if (this.#granted === null) return;
    this.#toldRendered = this.#rendered;
    this.#socket?.send(encodeRendered(this.#rendered));
  }
}
