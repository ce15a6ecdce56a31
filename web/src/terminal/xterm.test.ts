// What this client needs of xterm.js, proved on the very package that ships.

import { describe, expect, test } from "bun:test";
import { Terminal } from "@xterm/xterm";
import { Feed, screenOf } from "./feed";
import { boundRepetition } from "./repetition";
import { bufferText } from "./text";
import { onTyped } from "./typed";

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

// A feed into a terminal, and the offsets it says are drawn.
function feeding(term = open()) {
  const acks: number[] = [];
  const feed = new Feed(screenOf(term), (offset) => acks.push(offset));
  const all = (end: number) =>
    new Promise<void>((resolve) => {
      const look = () => (feed.drawn === end ? resolve() : void setTimeout(look));
      look();
    });
  return { term, feed, acks, all };
}

describe("feed", () => {
  test("a resize takes effect between the bytes around it", async () => {
    const { term, feed, all } = feeding(open(10, 4));
    feed.output(0, bytes("0123456789abc\r\n"));
    feed.resize({ cols: 5, rows: 4 });
    feed.output(15, bytes("01234567"));
    await all(23);
    expect([term.cols, term.rows]).toEqual([5, 4]);
    expect(bufferText(term.buffer.active)).toBe("0123456789abc\n01234567");
    expect(term.buffer.active.cursorX).toBe(3);
  });
  test("counts what was drawn, not what was received", async () => {
    const { feed, acks, all } = feeding();
    feed.output(100, bytes("abc"));
    feed.output(103, bytes("de"));
    expect(feed.drawn).toBe(0);
    await all(105);
    expect(acks).toEqual([103, 105]);
  });
  test("gives the terminal little ahead of what it draws, and all of it in the end", async () => {
    const term = open();
    const real = screenOf(term);
    let [given, drawn, most] = [0, 0, 0];
    const feed = new Feed(
      {
        ...real,
        write: (data, done) => {
          given += data.length;
          most = Math.max(most, given - drawn);
          real.write(data, () => {
            drawn += data.length;
            done();
          });
        },
      },
      () => {},
    );
    const line = bytes(`${"x".repeat(78)}\r\n`);
    for (let at = 0; at < 1_000_000; at += line.length) feed.output(at, line);
    while (feed.drawn < 1_000_000) await Bun.sleep(1);
    expect(given).toBe(1_000_000);
    expect(most).toBeLessThan(64 * 1024 + line.length);
  });
});

describe("a snapshot", () => {
  test("replaces what was drawn and what was still to be drawn, before it returns", () => {
    for (const size of [
      { cols: 80, rows: 24 },
      { cols: 40, rows: 10 },
      { cols: 100, rows: 50 },
    ]) {
      const { term, feed, acks } = feeding();
      feed.output(0, bytes("old\x1b[31m\x1b]0;never ended"));
      feed.snapshot(900, size, bytes("new"));
      expect(bufferText(term.buffer.active)).toBe("new");
      expect([term.cols, term.rows, feed.drawn]).toEqual([size.cols, size.rows, 900]);
      expect(acks.at(-1)).toBe(900);
      expect(term.buffer.active.getLine(0)?.getCell(0)?.isFgDefault()).toBe(true);
    }
  });
  test("makes it unnecessary to draw what still waits", async () => {
    const { term, feed, acks } = feeding();
    const block = bytes("y\r\n".repeat(10_000));
    for (let n = 0; n < 100; n++) feed.output(n * block.length, block);
    feed.snapshot(9_000_000, { cols: 80, rows: 24 }, bytes("$ "));
    expect(acks.filter((offset) => offset < 9_000_000).length).toBeLessThan(5);
    feed.output(9_000_000, bytes("ls"));
    await Bun.sleep(20);
    expect(bufferText(term.buffer.active)).toBe("$ ls");
    expect(acks.at(-1)).toBe(9_000_002);
  });
  test("comes between the two halves of a character or sequence, and leaves neither behind", async () => {
    const { term, feed, all } = feeding();
    feed.output(0, bytes("é").subarray(0, 1));
    feed.snapshot(50, { cols: 80, rows: 24 }, bytes("a\x1b[3"));
    feed.output(50, bytes("Db"));
    await all(52);
    expect(bufferText(term.buffer.active)).toBe("b");
  });
  test("finds a terminal as blank as a new one, whatever was there", () => {
    const state = (term: Terminal) => {
      const buffer = term.buffer.active;
      const { cursorX, cursorY, baseY, type } = buffer;
      return { modes: term.modes, cursorX, cursorY, baseY, type, text: bufferText(buffer) };
    };
    const { term, feed } = feeding();
    const mess =
      "x\r\n".repeat(99) +
      "\x1b7\x1b(0\x0e\x1b)0\x1b[?1049h\x1b[3;9r\x1b[?6h\x1b[?7l\x1b[4h\x1b[20h\x1b[?1h\x1b=\x1b[?25l\x1b[?2004h\x1b[?1003h" +
      '\x1b[?1006h\x1b[?1004h\x1b[?45h\x1b[?2026h\x1b[1;31;44m\x1b[3 q\x1b[3g\x1b]8;;http://x\x07\x1b[>1u\x1b[1"q';
    feed.output(0, bytes(mess));
    // What would show a margin, a charset, a colour, a tab stop or a mode that has stayed.
    const probe = "lqk\ta\x0elqk\x0f\r\n\x1b[99Bz\x1b[1;80Hwrap\x1b8|\x1b[2;3HI\x1b[Hj\x1b[?1J";
    feed.snapshot(1, { cols: 80, rows: 24 }, bytes(probe));
    const fresh = feeding();
    fresh.feed.snapshot(1, { cols: 80, rows: 24 }, bytes(probe));
    const untouched = open();
    screenOf(untouched).write(bytes(probe), () => {});
    screenOf(untouched).flush();
    expect(state(term)).toEqual(state(untouched));
    expect(state(fresh.term)).toEqual(state(untouched));
    for (let y = 0; y < 24; y++) {
      for (const x of [0, 1, 2, 8, 79]) {
        const [is, should] = [term, untouched].map((one) => one.buffer.active.getLine(y)?.getCell(x));
        expect([is?.getFgColor(), is?.getBgColor(), is?.isBold()]).toEqual([
          should?.getFgColor(),
          should?.getBgColor(),
          should?.isBold(),
        ]);
      }
    }
  });
});

describe("only a person is heard", () => {
  const QUESTIONS = {
    DA1: "\x1b[c",
    "DA1 0": "\x1b[0c",
    DA2: "\x1b[>c",
    DA3: "\x1b[=c",
    DECID: "\x1bZ",
    "DSR status": "\x1b[5n",
    "DSR cursor": "\x1b[6n",
    DECXCPR: "\x1b[?6n",
    "DSR printer, keys, keyboard, locator":
      "\x1b[?15n\x1b[?25n\x1b[?26n\x1b[?53n\x1b[?55n\x1b[?56n\x1b[?62n\x1b[?63n\x1b[?75n",
    "DSR colour scheme": "\x1b[?996n",
    "DECRQM private": "\x1b[?25$p\x1b[?2026$p\x1b[?1016$p\x1b[?99999$p",
    "DECRQM ANSI": "\x1b[4$p\x1b[20$p",
    XTVERSION: "\x1b[>q\x1b[>0q",
    "kitty keyboard": "\x1b[?u",
    "window reports": "\x1b[11t\x1b[13t\x1b[14t\x1b[15t\x1b[16t\x1b[18t\x1b[19t\x1b[20t\x1b[21t",
    DECRQSS: '\x1bP$qm\x1b\\\x1bP$qr\x1b\\\x1bP$q q\x1b\\\x1bP$q"p\x1b\\\x1bP$q"q\x1b\\\x1bP$qz\x1b\\',
    XTGETTCAP: "\x1bP+q544e\x1b\\\x1bP+q436f;524742\x1b\\",
    "OSC 4": "\x1b]4;1;?\x07\x1b]4;1;?;2;?\x1b\\",
    "OSC 5, 10 to 19":
      "\x1b]5;0;?\x07\x1b]10;?\x07\x1b]11;?\x07\x1b]12;?\x07\x1b]10;?;?;?\x07\x1b]13;?\x07\x1b]17;?\x07\x1b]19;?\x07",
    "OSC 21, 52, 50": "\x1b]21;foreground=?\x07\x1b]52;c;?\x07\x1b]50;?\x07",
    "focus reports": "\x1b[?1004h",
    "colour scheme reports": "\x1b[?2031h\x1b]11;#fff\x07\x1b]10;#000\x07",
    "in-band size reports": "\x1b[?2048h\x1b[8;10;10t",
    DECREQTPARM: "\x1b[x\x1b[1x",
    "locator, checksum, presentation, terminal state": "\x1b['|\x1b[1;1;1;1;9;9*y\x1b[1$w\x1b[2$w\x1b[1$u",
    ENQ: "\x05",
    "kitty graphics": "\x1b_Gi=1,a=q;AAAA\x1b\\",
  };
  const kitty = { allowProposedApi: true, vtExtensions: { kittyKeyboard: true } };
  const answered = [
    "DA1",
    "DA2",
    "DSR cursor",
    "DECXCPR",
    "DECRQM private",
    "XTVERSION",
    "kitty keyboard",
    "DECRQSS",
  ];

  for (const [name, question] of Object.entries(QUESTIONS)) {
    test(`not the answer to ${name}`, async () => {
      const term = new Terminal(kitty);
      const said: string[] = [];
      const heard: string[] = [];
      term.onData((data) => said.push(data));
      term.onBinary((data) => said.push(data));
      onTyped(term, (data) => heard.push(data));
      for (const piece of [question, ...question]) await drawn(term, piece);
      feeding(term).feed.snapshot(0, { cols: 80, rows: 24 }, bytes(question));
      if (answered.includes(name)) expect(said).not.toEqual([]);
      expect(heard).toEqual([]);
      term.input("x");
      expect(heard).toEqual(["x"]);
    });
  }
  test("nor anything that any sequence can make the terminal say", async () => {
    const term = new Terminal(kitty);
    const heard: string[] = [];
    onTyped(term, (data) => heard.push(data));
    let seed = 1;
    const random = (below: number) => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
      return (seed >>> 8) % below;
    };
    const pick = (from: string[]) => from[random(from.length)] ?? "";
    const finals = [...Array(63).keys()].map((n) => String.fromCharCode(0x40 + n));
    for (let n = 0; n < 20_000; n++) {
      const parameters = Array.from({ length: random(3) }, () => random(3000)).join(";");
      const csi = `\x1b[${pick(["", "?", ">", "=", "<"])}${parameters}${pick(["", "$", " ", "!", '"', "'", "*"])}${pick(finals)}`;
      const osc = `\x1b]${random(120)};${pick(["?", "1;?", "c;?", "#fff", "x"])}\x07`;
      const dcs = `\x1bP${parameters}${pick(["$q", "+q", ">|", "q"])}${pick(["m", "r", "544e"])}\x1b\\`;
      term.write(pick([csi, csi, csi, osc, dcs, `\x1b${pick(finals)}`]));
    }
    await drawn(term, "\x1b\\\x18");
    expect(heard).toEqual([]);
  });
  test("mouse reports that are not text come as bytes", () => {
    const term = open();
    const heard: number[][] = [];
    onTyped(term, (_, raw) => heard.push([...raw]));
    const { _core } = term as unknown as {
      _core: { coreService: { triggerBinaryEvent(data: string): void } };
    };
    _core.coreService.triggerBinaryEvent("\x1b[M \u00ff!");
    expect(heard).toEqual([[27, 91, 77, 32, 255, 33]]);
  });
});

describe("bufferText", () => {
  test("joins wrapped lines, keeps their inner spaces, trims the ends", async () => {
    const term = open(5, 3);
    await drawn(term, "ab   cd\r\n1234世x  \r\n\r\nend\r\n");
    expect(bufferText(term.buffer.active)).toBe("ab   cd\n1234世x\n\nend");
  });
});
