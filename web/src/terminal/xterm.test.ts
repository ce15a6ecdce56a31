// What this client needs of xterm.js, proved on the very package that ships.

import { describe, expect, test } from "bun:test";
import { Terminal } from "@xterm/xterm";
import { Feed } from "./feed";
import { boundRepetition } from "./repetition";
import { watchReplies } from "./replies";
import { bufferText } from "./text";

const open = (cols = 80, rows = 24) => new Terminal({ cols, rows, scrollback: 100, allowProposedApi: true });
const bytes = (text: string) => new TextEncoder().encode(text);

// Resolves false when the terminal never comes to the end of `data`.
const drawn = (term: Terminal, data: string) =>
  Promise.race([
    new Promise<boolean>((resolve) => term.write(data, () => resolve(true))),
    Bun.sleep(1000).then(() => false),
  ]);

describe("erasing above the cursor in the last cell does not freeze the terminal", () => {
  // In 6.0.0 this throws in the write loop ("setting 'isWrapped'" of undefined) for want of a line below, as long as
  // there is no scrollback, and nothing is drawn ever after. Hence the pinned 6.1 beta.
  for (const [name, erase] of [
    ["ED 1", "\x1b[1J"],
    ["DECSED 1", "\x1b[?1J"],
  ]) {
    test(`${name}`, async () => {
      const term = open();
      expect(await drawn(term, `\x1b[99;99H${erase}`)).toBe(true);
      expect(await drawn(term, "\x1b[Halive")).toBe(true);
      expect(bufferText(term.buffer.active)).toBe("alive");
    });
  }
});

describe("repetition is bounded by the screen", () => {
  for (const final of ["L", "M", "S", "T", "I", "Z", "b"]) {
    test(`CSI 2147483647 ${final}`, async () => {
      const term = open(10, 4);
      boundRepetition(term);
      expect(await drawn(term, `\x1b[2;1Hx\x1b[2147483647${final}`)).toBe(true);
      expect(await drawn(term, "\x1b[Halive")).toBe(true);
      expect(bufferText(term.buffer.active)).toContain("alive");
    });
  }
  test("and otherwise as often as was said", async () => {
    const term = open(10, 4);
    boundRepetition(term);
    await drawn(term, "a\x1b[3b\r\n1\r\n2\r\n3\x1b[2;1H\x1b[L\x1b[2M");
    expect(bufferText(term.buffer.active)).toBe("aaaa\n2");
  });
});

describe("feed", () => {
  test("a resize takes effect between the bytes around it", async () => {
    const term = open(10, 4);
    const feed = new Feed(term, () => {});
    feed.attached(0, 0);
    feed.output(0, bytes("0123456789abc\r\n"));
    feed.resize({ cols: 5, rows: 4 });
    feed.output(15, bytes("01234567\x1b[6n"));
    await Bun.sleep(20);
    expect([term.cols, term.rows]).toEqual([5, 4]);
    expect(bufferText(term.buffer.active)).toBe("0123456789abc\n01234567");
    expect(term.buffer.active.cursorX).toBe(3);
  });
  test("counts what was drawn, not what was received", async () => {
    const term = open();
    const acks: number[] = [];
    const feed = new Feed(term, (offset) => acks.push(offset));
    feed.attached(100, 100);
    feed.output(100, bytes("abc"));
    feed.output(103, bytes("de"));
    expect(feed.drawn).toBe(100);
    await Bun.sleep(20);
    expect(acks).toEqual([103, 105]);
  });
  test("a gap in the middle of a sequence and a character leaves neither behind", async () => {
    const term = open();
    const feed = new Feed(term, () => {});
    feed.output(0, bytes("a\x1b]0;never ended"));
    feed.gap(50);
    feed.output(50, bytes("b"));
    feed.output(51, bytes("é").subarray(0, 1));
    feed.gap(60);
    feed.output(60, bytes("c"));
    await Bun.sleep(20);
    expect(bufferText(term.buffer.active)).toBe("abc");
    expect(feed.drawn).toBe(61);
  });
});

describe("a fresh start", () => {
  test("a snapshot replaces what was drawn and what was still to be drawn", async () => {
    for (const size of [
      { cols: 80, rows: 24 },
      { cols: 40, rows: 10 },
    ]) {
      const term = open();
      const feed = new Feed(term, () => {});
      feed.output(0, bytes("old\x1b]0;never ended"));
      feed.snapshot(900, size, bytes("new"));
      await Bun.sleep(20);
      expect(bufferText(term.buffer.active)).toBe("new");
      expect(feed.drawn).toBe(900);
    }
  });
});

describe("replies", () => {
  const QUESTIONS = "\x1b[c\x1b[>c\x1b[5n\x1b[6n\x1b[?6n\x1b[?25$p\x1b[4$p\x1b[>q\x1bP$qm\x1b\\\x1b[?1004h";
  const answered = async (mayReply: boolean) => {
    const term = open();
    const source = watchReplies(term, () => mayReply);
    const seen: string[] = [];
    term.onData(() => seen.push(source()));
    await drawn(term, QUESTIONS);
    await Bun.sleep(1);
    term.input("x");
    return seen;
  };
  test("are marked, and typing after them is typing", async () => {
    const seen = await answered(true);
    expect(seen.at(-1)).toBe("user");
    expect(seen.length).toBeGreaterThan(8);
    expect(new Set(seen.slice(0, -1))).toEqual(new Set(["reply"]));
  });
  test("are marked as unwanted when they may not leave", async () => {
    expect(new Set((await answered(false)).slice(0, -1))).toEqual(new Set(["unwantedReply"]));
  });
  test("replay ends at the very byte", async () => {
    const term = open();
    const feed = new Feed(term, () => {});
    const source = watchReplies(term, () => !feed.replaying);
    const seen: string[] = [];
    term.onData(() => seen.push(source()));
    feed.attached(0, 3);
    feed.output(0, bytes("\x1b[c\x1b[c"));
    await Bun.sleep(20);
    expect(seen).toEqual(["unwantedReply", "reply"]);
  });
});

describe("bufferText", () => {
  test("joins wrapped lines, keeps their inner spaces, trims the ends", async () => {
    const term = open(5, 3);
    await drawn(term, "ab   cd\r\n1234世x  \r\n\r\nend\r\n");
    expect(bufferText(term.buffer.active)).toBe("ab   cd\n1234世x\n\nend");
  });
});
