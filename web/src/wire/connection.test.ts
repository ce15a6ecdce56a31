import { beforeEach, describe, expect, test } from "bun:test";
import type { Session } from "../api/contract";
import { Connection, type DialRequest, Gone, type Listener, OffsetUnknown, type Phase } from "./connection";
import { FakeClock, FakeSocket, settle } from "./fakes";

const session = { id: "s", output: { start: 0, end: 100 } } as Session;
const limits = { messageBytes: 1 << 20, windowBytes: 512 * 1024, inputBytes: 64 * 1024, pingSeconds: 20 };
const bytes = (text: string) => new TextEncoder().encode(text);

class Page implements Listener {
  readonly clock = new FakeClock();
  readonly dials: DialRequest[] = [];
  readonly sockets: FakeSocket[] = [];
  readonly phases: Phase[] = [];
  readonly log: string[] = [];
  drawn = "";
  dialError: Error | null = null;
  readonly connection = new Connection(
    async (request) => {
      this.dials.push(request);
      if (this.dialError !== null) throw this.dialError;
      const socket = new FakeSocket();
      this.sockets.push(socket);
      return socket;
    },
    this,
    this.clock,
    "control",
  );

  get socket(): FakeSocket {
    const last = this.sockets.at(-1);
    if (last === undefined) throw new Error("nothing was dialled");
    return last;
  }
  get phaseName(): string {
    return this.phases.at(-1)?.name ?? "";
  }
  async attach(fields: object = {}) {
    await settle();
    this.socket.event(0, {
      event: "welcome",
      session,
      access: "control",
      owns: true,
      clientId: "c1",
      inputSeq: 0,
      offset: 0,
      cols: 80,
      rows: 24,
      limits,
      ...fields,
    });
  }
  phase(phase: Phase) {
    this.phases.push(phase);
  }
  welcome() {}
  output(offset: number, news: Uint8Array) {
    this.log.push(`output ${offset}+${news.length}`);
    this.drawn += new TextDecoder().decode(news);
  }
  snapshot(offset: number, cols: number, rows: number) {
    this.log.push(`snapshot ${offset} ${cols}x${rows}`);
  }
  gap(from: number, to: number) {
    this.log.push(`gap ${from}..${to}`);
  }
  startOver() {
    this.log.push("start over");
  }
  event(event: { event: string }) {
    this.log.push(event.event);
  }
  inputLost(lost: number) {
    this.log.push(`lost ${lost}`);
  }
}

let page: Page;
beforeEach(() => {
  page = new Page();
  page.connection.start();
});

describe("resume", () => {
  test("starts from a snapshot, resumes from the received offset with the same client id", async () => {
    await page.attach();
    page.socket.output(0, "hello");
    page.socket.drop(1006);
    page.clock.advance(250);
    expect(page.dials[0]).toMatchObject({ from: "snapshot", clientId: null });
    expect(page.dials[1]).toMatchObject({ from: 5, clientId: "c1", lookUp: false });
  });

  test("every byte is drawn once however output overlaps", async () => {
    await page.attach();
    page.socket.output(0, "abcdef");
    page.socket.output(3, "defghi");
    page.socket.output(0, "abc");
    page.socket.output(9, "j");
    expect(page.drawn).toBe("abcdefghij");
  });

  test("a hole nobody announced is a protocol error, and the next socket asks for the missing bytes", async () => {
    await page.attach();
    page.socket.output(0, "abc");
    page.socket.output(5, "fgh");
    expect(page.drawn).toBe("abc");
    expect(page.socket.closedWith).toBe(4400);
    page.clock.advance(250);
    expect(page.dials[1]?.from).toBe(3);
  });

  test("a GAP is told once, and output goes on behind its snapshot", async () => {
    await page.attach();
    page.socket.output(0, "abc");
    page.socket.gap(3, 9);
    page.socket.snapshot(12, 90, 30, "screen");
    page.socket.output(9, "...j");
    expect(page.log).toEqual(["output 0+3", "gap 3..9", "snapshot 12 90x30", "output 12+1"]);
    expect(page.drawn).toBe("abcj");
  });

  test("a connection that breaks between a GAP and its snapshot asks again for what was skipped", async () => {
    await page.attach();
    page.socket.output(0, "abc");
    page.socket.gap(3, 9);
    page.socket.drop(1006);
    page.clock.advance(250);
    expect(page.dials[1]?.from).toBe(3);
    await page.attach({ offset: 3 });
    page.socket.output(3, "d");
    expect(page.drawn).toBe("abcd");
  });

  test("output behind a GAP without a snapshot is a protocol error", async () => {
    await page.attach();
    page.socket.gap(0, 9);
    page.socket.output(9, "j");
    expect(page.drawn).toBe("");
    expect(page.socket.closedWith).toBe(4400);
  });

  test("a first attach begins with its snapshot, wherever the welcome said that output starts", async () => {
    await page.attach({ offset: 70 });
    page.socket.snapshot(75, 80, 24, "screen");
    page.socket.output(75, "x");
    expect(page.log).toEqual(["snapshot 75 80x24", "output 75+1"]);
    page.connection.rendered(75);
    page.clock.advance(60);
    expect(page.socket.renderedOffsets()).toEqual([70, 75]);
  });

  test("a connection that breaks before the first snapshot asks for one again, whatever the welcome said", async () => {
    await page.attach({ offset: 70 });
    page.socket.drop(1006);
    page.clock.advance(250);
    expect(page.dials[1]).toMatchObject({ from: "snapshot", clientId: "c1" });
    await page.attach({ offset: 90 });
    page.socket.snapshot(90, 80, 24, "screen");
    page.socket.output(90, "x");
    expect(page.log).toEqual(["snapshot 90 80x24", "output 90+1"]);
    page.socket.drop(1006);
    page.clock.advance(250);
    expect(page.dials[2]?.from).toBe(91);
  });

  test("a session that has never printed is resumed behind its snapshot, at the very beginning", async () => {
    await page.attach();
    page.socket.snapshot(0, 80, 24, "");
    page.socket.drop(1006);
    page.clock.advance(250);
    expect(page.dials[1]?.from).toBe(0);
    await page.attach();
    page.socket.output(0, "first");
    expect(page.drawn).toBe("first");
  });

  test("a resize of bytes drawn before is not applied again", async () => {
    await page.attach();
    page.socket.output(0, "abc");
    page.socket.event(1, { event: "resize", cols: 10, rows: 5 });
    page.socket.event(3, { event: "resize", cols: 20, rows: 5 });
    expect(page.log).toEqual(["output 0+3", "resize"]);
  });

  test("output before the welcome is refused", async () => {
    await settle();
    page.socket.output(0, "x");
    expect(page.drawn).toBe("");
    expect(page.phaseName).toBe("waiting");
  });

  test("an offset the server does not know starts over", async () => {
    await page.attach();
    page.socket.output(0, "abc");
    page.dialError = new OffsetUnknown("unknown offset");
    page.socket.drop(1006);
    page.clock.advance(250);
    await settle();
    expect(page.log.at(-1)).toBe("start over");
    page.clock.advance(10_000);
    expect(page.dials.at(-1)?.from).toBe("snapshot");
  });
});

describe("close codes", () => {
  test("1000 is the end", async () => {
    await page.attach();
    page.socket.drop(1000);
    page.clock.advance(60_000);
    expect(page.phaseName).toBe("closed");
    expect(page.dials.length).toBe(1);
  });
  for (const code of [4403, 4404, 4409]) {
    test(`${code} stops and says why`, async () => {
      await page.attach();
      page.socket.drop(code, "because");
      page.clock.advance(60_000);
      expect(page.phases.at(-1)).toEqual({ name: "refused", why: "because" });
      expect(page.dials.length).toBe(1);
    });
  }
  for (const code of [1001, 1006, 1011, 1012, 4408, 4429]) {
    test(`${code} reconnects`, async () => {
      await page.attach();
      page.socket.drop(code);
      expect(page.phaseName).toBe("waiting");
      page.clock.advance(10_000);
      expect(page.dials.length).toBe(2);
    });
  }
  test("4401 renews and resumes at once, unless the renewed token is refused too", async () => {
    await page.attach();
    page.clock.advance(6_000);
    page.socket.drop(4401);
    expect(page.dials[1]).toMatchObject({ renew: true });
    await page.attach();
    page.socket.drop(4401);
    expect(page.phaseName).toBe("waiting");
  });
  test("drain is shown before the close, then the page resumes", async () => {
    await page.attach();
    page.socket.event(0, { event: "drain" });
    expect(page.phaseName).toBe("draining");
    page.socket.drop(1012);
    expect(page.phaseName).toBe("waiting");
  });
  test("lasting disagreement stops", async () => {
    for (let i = 0; i < 5; i++) {
      await page.attach();
      page.socket.drop(4400, "bad message");
      page.clock.advance(10_000);
    }
    expect(page.phaseName).toBe("refused");
  });
});

describe("waiting", () => {
  test("full jitter below 250 ms doubling up to 10 s, afresh after a good connection", async () => {
    page.dialError = new Error("offline");
    page.clock.jitter = 1;
    const waits: number[] = [];
    page.connection.redial();
    for (let i = 0; i < 8; i++) {
      await settle();
      const phase = page.phases.at(-1);
      if (phase?.name === "waiting") waits.push(phase.until - page.clock.now());
      page.clock.advance(10_000);
    }
    expect(waits).toEqual([250, 500, 1000, 2000, 4000, 8000, 10000, 10000]);
    await settle();
    page.dialError = null;
    page.clock.advance(10_000);
    await page.attach();
    page.clock.advance(6_000);
    page.socket.drop(1006);
    expect(page.phases.at(-1)).toMatchObject({ until: page.clock.now() + 250 });
  });
  test("a nudge ends the wait at once and does nothing otherwise", async () => {
    await page.attach();
    page.connection.nudge();
    expect(page.dials.length).toBe(1);
    page.socket.drop(1006);
    page.connection.nudge();
    expect(page.dials.length).toBe(2);
  });
  test("a socket that never says welcome is given up, and REST is asked why", async () => {
    await settle();
    page.clock.advance(15_000);
    expect(page.socket.closedWith).toBe(1000);
    page.clock.advance(250);
    expect(page.dials[1]?.lookUp).toBe(true);
  });
  test("a dial that learns the session is gone stops", async () => {
    page.dialError = new Gone("no such session");
    page.connection.redial();
    await settle();
    expect(page.phases.at(-1)).toEqual({ name: "refused", why: "no such session" });
  });
  test("after stop nothing happens any more", async () => {
    await page.attach();
    const socket = page.socket;
    const seen = page.phases.length;
    page.connection.stop();
    socket.drop(1006);
    page.clock.advance(60_000);
    expect(page.phases.length).toBe(seen);
    expect(page.dials.length).toBe(1);
  });
});

describe("input", () => {
  test("is resent above inputSeq after a reconnect, in order, with its numbers", async () => {
    await page.attach();
    for (const key of "abc") page.connection.input(bytes(key));
    expect(page.socket.inputs()).toEqual(["1:a", "2:b", "3:c"]);
    page.socket.ack(1);
    page.socket.drop(1006);
    page.connection.input(bytes("d"));
    page.clock.advance(250);
    await page.attach({ inputSeq: 2 });
    expect(page.socket.inputs()).toEqual(["3:c", "4:d"]);
  });
  test("that the server has taken and not yet written leaves no room for more, however often the connection breaks", async () => {
    const full = { limits: { ...limits, inputBytes: 4 } };
    await page.attach(full);
    page.connection.input(bytes("abcdef"));
    page.socket.drop(1006);
    page.clock.advance(250);
    await page.attach({ ...full, inputSeq: 1 });
    expect(page.socket.inputs()).toEqual([]);
    page.socket.drop(1006);
    page.clock.advance(500);
    await page.attach({ ...full, inputSeq: 1 });
    expect(page.socket.inputs()).toEqual([]);
    expect(page.connection.pendingInput).toBe(6);
    page.socket.ack(1);
    expect(page.socket.inputs()).toEqual(["2:ef"]);
    expect(page.connection.pendingInput).toBe(2);
  });
  test("a forgotten client id loses what was in flight, never doubles it", async () => {
    await page.attach();
    page.connection.input(bytes("abc"));
    page.socket.drop(1006);
    page.connection.input(bytes("d"));
    page.clock.advance(250);
    await page.attach({ clientId: "c2" });
    expect(page.socket.inputs()).toEqual(["1:d"]);
    expect(page.log).toContain("lost 3");
  });
  test("stays within limits.inputBytes and flows on with acks", async () => {
    await page.attach({ limits: { ...limits, inputBytes: 2 } });
    page.connection.input(bytes("abcde"));
    expect(page.socket.inputs()).toEqual(["1:ab"]);
    page.socket.ack(1);
    expect(page.socket.inputs()).toEqual(["1:ab", "2:cd"]);
    expect(page.connection.pendingInput).toBe(3);
  });
  test("that was refused takes what waited behind it along", async () => {
    await page.attach({ limits: { ...limits, inputBytes: 2 } });
    page.connection.input(bytes("abc"));
    page.socket.event(0, { event: "refused", command: "input", code: "control_held", seq: 1, error: "held" });
    expect(page.socket.inputs()).toEqual(["1:ab", "2:c"]);
    page.socket.event(0, { event: "refused", command: "input", code: "control_held", seq: 2, error: "held" });
    expect(page.connection.pendingInput).toBe(0);
  });
  test("is refused as soon as the page wants to watch only, and never typed when it may type again", async () => {
    await page.attach();
    page.connection.attachAs("view");
    expect(page.connection.input(bytes("x\r"))).toBe(false);
    await page.attach({ access: "view" });
    expect(page.connection.input(bytes("y\r"))).toBe(false);
    page.connection.attachAs("control");
    await page.attach();
    expect(page.sockets.flatMap((socket) => socket.inputs())).toEqual([]);
    expect(page.connection.pendingInput).toBe(0);
    page.connection.input(bytes("z"));
    expect(page.socket.inputs()).toEqual(["1:z"]);
    expect(page.log).toEqual([]);
  });
  test("that waited or was on its way when the page turned to watching is given up, and said to be", async () => {
    await page.attach({ limits: { ...limits, inputBytes: 4 } });
    page.connection.input(bytes("ab"));
    page.connection.input(bytes("cdefg"));
    expect(page.socket.inputs()).toEqual(["1:ab", "2:cd"]);
    page.connection.attachAs("view");
    expect(page.log).toEqual(["lost 3"]);
    await page.attach({ access: "view", inputSeq: 1 });
    expect(page.log).toEqual(["lost 3", "lost 2"]);
    page.connection.attachAs("control");
    await page.attach({ inputSeq: 1 });
    page.connection.input(bytes("z"));
    expect(page.socket.inputs()).toEqual(["2:z"]);
  });
  test("typed before a first welcome that grants no more than watching is given up, and said to be", async () => {
    expect(page.connection.input(bytes("abc"))).toBe(true);
    await page.attach({ access: "view" });
    expect(page.connection.pendingInput).toBe(0);
    expect(page.log).toEqual(["lost 3"]);
  });
  test("a view-only page sends neither input nor sizes nor commands", async () => {
    await page.attach({ access: "view" });
    page.connection.input(bytes("x"));
    page.connection.resize(10, 10);
    page.connection.command({ command: "take-control" });
    expect(page.socket.sent.filter((message) => message[0] !== 2)).toEqual([]);
  });
});

describe("acks", () => {
  test("the first one at once, then every 32 KiB, the rest after a pause", async () => {
    await page.attach();
    expect(page.socket.renderedOffsets()).toEqual([0]);
    page.connection.rendered(10_000);
    page.connection.rendered(40_000);
    expect(page.socket.renderedOffsets()).toEqual([0, 40_000]);
    page.connection.rendered(40_100);
    page.connection.rendered(40_200);
    page.clock.advance(100);
    expect(page.socket.renderedOffsets()).toEqual([0, 40_000, 40_200]);
  });
});
