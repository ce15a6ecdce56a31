// This page attached to one session: joins connection, feed, stage and keyboard, and holds what the screen shows of it
// as signals. Must never send input the user did not type here. It tells the server how much this window holds; whose
// window decides the session's size is the server's business.

import { signal } from "@preact/signals";
import type { Terminal } from "@xterm/xterm";
import type { Access, Session } from "../api/contract";
import { byteCount, escaped, label } from "../label";
import { dismissHints, notify, offer } from "../screens/notice";
import { type Clock, Connection, type Listener, type Phase } from "../wire/connection";
import type { Asking, Clipboard, Control, Exit, Refused, SessionEvent, Welcome } from "../wire/protocol";
import { dial } from "../wire/socket";
import { copy } from "./clipboard";
import { createTerminal, wantedScrollback } from "./emulator";
import { Feed, screenOf } from "./feed";
import { type ExtraKey, isReport, withControl } from "./keys";
import { cleaned, onPaste, pressesEnter } from "./paste";
import { type Size, sameSize } from "./size";
import { Stage } from "./stage";
import { bufferText } from "./text";
import { onTyped } from "./typed";

// A window being dragged passes many sizes; programs redraw at each they are told.
const RESIZE_QUIET_MS = 100;

const CLOCK: Clock = {
  now: () => Date.now(),
  random: () => Math.random(),
  after: (ms, run) => {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};

// Who alone may type.
export interface Holder {
  client: string;
  // Whose client it is.
  name: string;
}

export class Attached implements Listener {
  readonly phaseNow = signal<Phase>({ name: "connecting", again: false });
  readonly session = signal<Session | null>(null);
  readonly title = signal("");
  // Where the program says it is, on the session's machine.
  readonly cwd = signal<string | null>(null);
  // How often the program rang since this page came.
  readonly rings = signal(0);
  readonly viewers = signal(0);
  readonly holder = signal<Holder | null>(null);
  readonly asking = signal<Asking[]>([]);
  // Whether this user says who else may reach the session, and who has control.
  readonly owns = signal(false);
  readonly exited = signal<Exit | null>(null);
  readonly size = signal<Size>({ cols: 80, rows: 24 });
  readonly fits = signal(true);
  // Before the welcome says otherwise, what is typed waits.
  readonly control = signal(true);
  readonly wantedAccess = signal<Access>("control");
  // Ctrl pressed on the key bar: it holds for the next character.
  readonly stickyControl = signal(false);
  // What somebody is about to paste, and has to say so once more.
  readonly pasting = signal<string | null>(null);

  readonly #connection: Connection;
  readonly #term: Terminal;
  readonly #feed: Feed;
  readonly #stage: Stage;
  readonly #stopPastes: () => void;
  #cancelResize: () => void = () => {};
  // What this connection was told that the window holds.
  #told: Size | null = null;
  // The session is to have this window's size as soon as one can say so.
  #claim: boolean;
  // How often the program had rung when last heard of.
  #bells = 0;
  // It was this page that took its request for control back.
  #withdraws = false;

  // `opener`: this page has just opened the session, at its own size.
  constructor(sessionId: string, room: HTMLElement, opener: boolean, leave: (() => void) | null) {
    this.#claim = opener;
    const scrollback = wantedScrollback(location.search);
    this.#term = createTerminal(scrollback);
    this.#stage = new Stage(room, this.#term);
    this.#connection = new Connection(
      (request) => {
        this.#told = this.#stage.fit;
        return dial(sessionId, request, { ...this.#told, scrollback });
      },
      this,
      CLOCK,
      "control",
    );
    this.#feed = new Feed(screenOf(this.#term), (offset) => this.#connection.rendered(offset));
    onTyped(this.#term, (data, bytes) => this.#typed(data, bytes));
    this.#term.onResize(() => this.#stage.layOut());
    this.#term.onDimensionsChange(() => this.#stage.layOut());
    this.#term.attachCustomKeyEventHandler((event) => !this.#shortcut(event, leave));
    this.#stopPastes = onPaste(room, (text) => this.#pasted(text));
    this.#connection.start();
    this.#term.focus();
  }

  get clientId(): string | null {
    return this.#connection.clientId;
  }

  get drawn(): number {
    return this.#feed.drawn;
  }

  // Bytes typed or pasted that the session has not taken yet.
  get pendingInput(): number {
    return this.#connection.pendingInput;
  }

  // Nothing can be done in the session any more; it can be read.
  get over(): boolean {
    const { name } = this.phaseNow.value;
    return this.exited.value !== null || name === "closed" || name === "refused";
  }

  text(): string {
    return bufferText(this.#term.buffer.active);
  }

  // This page has control to itself.
  get holds(): boolean {
    return this.holder.value !== null && this.holder.value.client === this.clientId;
  }

  // This page asks for control.
  get asks(): boolean {
    return this.asking.value.some(({ client }) => client === this.clientId);
  }

  // Somebody else has control to themselves.
  get isKeptOut(): boolean {
    return this.holder.value !== null && !this.holds;
  }

  dispose(): void {
    this.#cancelResize();
    this.#stopPastes();
    this.#connection.stop();
    this.#term.dispose();
  }

  // --- what the user does ---

  focus(): void {
    this.#term.focus();
  }

  press(key: ExtraKey): void {
    this.#term.input(this.#term.modes.applicationCursorKeysMode ? key.application : key.normal);
  }

  fitHere(): void {
    this.#claim = true;
    this.#tellSize();
    this.focus();
  }

  attachAs(access: Access): void {
    this.wantedAccess.value = access;
    // Before: what the connection gives up is said as a hint too.
    dismissHints();
    this.#connection.attachAs(access);
    this.#steerKeyboard();
    this.focus();
  }

  // From whoever has it, which only the session's owner may.
  takeControl(): void {
    this.#connection.command({ command: "take-control" });
    this.focus();
  }

  askForControl(): void {
    this.#connection.command({ command: "request-control" });
    this.focus();
  }

  // Gives up control, or asking for it.
  releaseControl(): void {
    this.#withdraws = this.asks;
    this.#connection.command({ command: "release-control" });
    this.focus();
  }

  answer({ client }: Asking, give: boolean): void {
    this.#connection.command({ command: give ? "give-control" : "deny-control", client });
    this.focus();
  }

  answerPaste(paste: boolean): void {
    const text = this.pasting.value;
    this.pasting.value = null;
    if (paste && text !== null) this.#term.paste(text);
  }

  // --- what the window does ---

  roomChanged(): void {
    this.#stage.layOut();
    this.#cancelResize();
    this.#cancelResize = CLOCK.after(RESIZE_QUIET_MS, () => {
      this.#compareFit();
      this.#tellSize();
    });
  }

  nudge(): void {
    this.#connection.nudge();
  }

  // After an absence in which the server must have given this connection up.
  absent(ms: number): void {
    if (ms > 2000 * this.#connection.pingSeconds) this.#connection.redial();
    else this.#connection.nudge();
  }

  redial(): void {
    this.#connection.redial();
  }

  // --- what the connection says ---

  phase(phase: Phase): void {
    this.phaseNow.value = phase;
  }

  welcome(welcome: Welcome, received: number): void {
    const first = this.session.value === null;
    this.session.value = welcome.session;
    this.viewers.value = welcome.session.viewers;
    // Told behind the welcome when somebody has it; when nobody has, nothing is said.
    this.holder.value = null;
    this.asking.value = [];
    this.owns.value = welcome.owns;
    this.control.value = welcome.access === "control";
    this.#steerKeyboard();
    this.title.value = label(welcome.session.title ?? "");
    this.cwd.value = welcome.session.cwd;
    this.#bells = welcome.session.bells;
    // Of output that was drawn before the connection broke, the size is an old one.
    if (first || welcome.offset >= received) this.#resized(welcome);
    this.#tellSize();
  }

  output(offset: number, bytes: Uint8Array): void {
    this.#feed.output(offset, bytes);
  }

  snapshot(offset: number, cols: number, rows: number, bytes: Uint8Array): void {
    this.#feed.snapshot(offset, { cols, rows }, bytes);
    this.#resized({ cols, rows });
  }

  // The snapshot that follows shows the right screen; of what scrolled by above it, some may be missing.
  gap(from: number, to: number): void {
    const lost = from < (this.session.value?.output.start ?? 0);
    const why = lost ? ": the server no longer holds them." : ", to keep up.";
    notify(`${byteCount(to - from)} of output skipped${why}`, false, "gap");
  }

  startOver(): void {
    this.#feed.startOver();
    notify("The server no longer has this output; starting over.");
  }

  inputLost(bytes: number): void {
    notify(`${byteCount(bytes)} typed earlier may not have arrived.`);
  }

  event(event: SessionEvent): void {
    const session = this.session.value;
    switch (event.event) {
      case "resize":
        return this.#resized(event);
      case "viewers":
        this.viewers.value = event.count;
        return;
      case "control":
        return this.#controlled(event);
      case "renamed":
        if (session !== null) this.session.value = { ...session, name: event.name };
        return;
      case "started":
        if (session !== null) this.session.value = { ...session, pid: event.pid, status: "running" };
        return;
      case "title":
        this.title.value = label(event.title);
        return;
      case "cwd":
        this.cwd.value = event.cwd || null;
        return;
      case "bell":
        if (event.count > this.#bells) this.rings.value += 1;
        this.#bells = event.count;
        return;
      case "clipboard":
        return this.#offerToCopy(event);
      case "exit":
        this.exited.value = event;
        return;
      case "refused":
        return this.#refused(event);
      case "welcome":
      case "alternate":
      case "drain":
    }
  }

  // --- inside ---

  #typed(data: string, bytes: Uint8Array): void {
    if (isReport(data)) {
      if (this.#mayAct()) this.#send(bytes);
    } else if (this.#mayType()) {
      this.#send(this.stickyControl.value ? new TextEncoder().encode(withControl(data)) : bytes);
      this.stickyControl.value = false;
    }
  }

  #send(bytes: Uint8Array): void {
    if (!this.#connection.input(bytes))
      notify("Too much input is waiting for the server; this was not sent.");
  }

  #mayAct(): boolean {
    return !this.#watches && !this.isKeptOut && !this.over;
  }

  // From the wish on, not only from the welcome that grants it: what is typed in between would be kept, and typed
  // when the page may type again.
  get #watches(): boolean {
    return !this.control.value || this.wantedAccess.value === "view";
  }

  #mayType(): boolean {
    if (this.#mayAct()) return true;
    if (!this.over) {
      notify(
        this.#watches
          ? "This page only watches: typing is not sent."
          : `${this.holder.value?.name} has control. ${this.owns.value ? "Take it back" : "Ask for it"} to type.`,
      );
    }
    return false;
  }

  #controlled({ holder, name, asking }: Control): void {
    const asked = this.asks;
    this.holder.value = holder === null ? null : { client: holder, name: label(name ?? "") || "somebody" };
    this.asking.value = asking;
    if (asked && this.holds) notify("You have control now.");
    if (asked && !this.asks && this.isKeptOut && !this.#withdraws) {
      notify("You were not given control.");
    }
    if (!this.asks) this.#withdraws = false;
    this.#steerKeyboard();
    // What the page says of it takes room; only when that has come or gone is this window as large as it will be.
    this.roomChanged();
  }

  // Who may not type is offered no keyboard on the screen either.
  #steerKeyboard(): void {
    const field = this.#term.textarea;
    if (field === undefined) return;
    field.readOnly = this.#watches || this.isKeptOut;
    field.inputMode = field.readOnly ? "none" : "";
  }

  #pasted(text: string): void {
    const clean = cleaned(text);
    if (clean === "" || !this.#mayType()) return;
    if (pressesEnter(clean)) this.pasting.value = clean;
    else this.#term.paste(clean);
  }

  // The room may have changed since it was last measured: a key bar came, or a bar changed its height.
  #tellSize(): void {
    if (this.phaseNow.value.name !== "live" || !this.#mayAct()) return;
    const fit = this.#stage.fit;
    if (this.#told === null || !sameSize(this.#told, fit)) this.#connection.resize(fit.cols, fit.rows);
    this.#told = fit;
    if (this.#claim) this.#connection.command({ command: "fit" });
    this.#claim = false;
  }

  #resized({ cols, rows }: Size): void {
    const size = { cols, rows };
    this.#feed.resize(size);
    this.size.value = size;
    this.#stage.layOut();
    this.#compareFit();
  }

  #compareFit(): void {
    this.fits.value = sameSize(this.#stage.fit, this.size.value);
  }

  #refused(event: Refused): void {
    // Nobody asked for it: the window is what it is, and is told again when that may have an effect.
    if (event.command === "resize" && event.code !== "invalid_size") this.#told = null;
    else notify(label(event.error));
  }

  // A program may not write to this person's clipboard; the person may, knowing what.
  #offerToCopy({ text }: Clipboard): void {
    if (text === "") return;
    const count = [...text].length;
    const words = `The program offers ${count === 1 ? "1 character" : `${count} characters`} to copy: ${escaped(text)}`;
    offer("clipboard", words, "Copy", () => {
      void copy(text);
      this.focus();
    });
  }

  // Ctrl+Shift+L goes back to the list and Ctrl+Shift+C copies: to a program both are the same as without Shift, so
  // nothing is taken from it.
  #shortcut(event: KeyboardEvent, leave: (() => void) | null): boolean {
    if (event.type !== "keydown" || !event.ctrlKey || !event.shiftKey) return false;
    if (event.code === "KeyL" && leave !== null) {
      event.preventDefault();
      leave();
      return true;
    }
    if (event.code === "KeyC" && this.#term.hasSelection()) {
      event.preventDefault();
      document.execCommand("copy");
      return true;
    }
    return false;
  }
}
