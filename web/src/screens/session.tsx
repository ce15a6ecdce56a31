// The screen of one session: the bar above, the terminal, what to say when it is over, and the extra keys.
// Loaded on demand, with xterm.js.

import { useEffect, useRef, useState } from "preact/hooks";
import { label } from "../label";
import { go } from "../route";
import { Attached } from "../terminal/attached";
import { stateOf } from "./badge";
import { KeyBar } from "./key-bar";
import { Outcome } from "./outcome";
import { SessionBar } from "./session-bar";
import { sessionName } from "./session-dialogs";

interface Props {
  id: string;
  opener: boolean;
}

const leave = () => go("/");

export default function SessionScreen({ id, opener }: Props) {
  const room = useRef<HTMLDivElement>(null);
  const [attached, setAttached] = useState<Attached | null>(null);

  useEffect(() => {
    if (room.current === null) return;
    const place = room.current;
    const made = new Attached(id, place, opener, leave);
    setAttached(made);
    const unwatch = watchSurroundings(made, place);
    const withdraw = offerForDebugging(made);
    return () => {
      withdraw();
      unwatch();
      made.dispose();
      place.replaceChildren();
      setAttached(null);
    };
  }, [id, opener]);

  return (
    <main class="session">
      {attached === null ? <div class="bar" /> : <SessionBar attached={attached} onLeave={leave} />}
      <div class="room" ref={room} />
      {attached !== null && (
        <>
          <Title attached={attached} />
          <Outcome attached={attached} onLeave={leave} />
          <KeyBar attached={attached} />
        </>
      )}
    </main>
  );
}

// The window's title; draws nothing.
function Title({ attached }: { attached: Attached }) {
  const session = attached.session.value;
  const name = label(attached.title.value) || (session === null ? "" : sessionName(session));
  useEffect(() => {
    document.title = name === "" ? "Fantail" : `${name} · Fantail`;
  }, [name]);
  return null;
}

// Everything outside the session that it reacts to.
function watchSurroundings(attached: Attached, room: HTMLElement): () => void {
  const listening = new AbortController();
  const options = { signal: listening.signal };
  const observer = new ResizeObserver(() => attached.roomChanged());
  observer.observe(room);

  let hiddenAt: number | null = null;
  let wasOffline = false;
  const visible = () => {
    if (document.visibilityState === "hidden") hiddenAt = Date.now();
    else if (hiddenAt !== null) attached.absent(Date.now() - hiddenAt);
  };
  const offline = () => {
    wasOffline = true;
  };
  // The socket survives a change of network only in name.
  const online = () => {
    if (wasOffline) attached.redial();
    else attached.nudge();
    wasOffline = false;
  };
  // The terminal sees keys first and handles this one itself; this is for when the focus is elsewhere.
  const back = (event: KeyboardEvent) => {
    if (event.defaultPrevented || !event.ctrlKey || !event.shiftKey || event.code !== "KeyL") return;
    event.preventDefault();
    leave();
  };
  document.addEventListener("visibilitychange", visible, options);
  addEventListener("offline", offline, options);
  addEventListener("online", online, options);
  addEventListener("keydown", back, options);
  return () => {
    listening.abort();
    observer.disconnect();
  };
}

// `window.fantail` is a debugging aid: read-only, for tests and for looking at a page that misbehaves. Nothing in the
// client reads it.
function offerForDebugging(attached: Attached): () => void {
  const aid = {
    text: () => attached.text(),
    get offset() {
      return attached.drawn;
    },
    get state() {
      return stateOf(attached.phaseNow.peek(), attached.exited.peek() !== null);
    },
    get cols() {
      return attached.size.peek().cols;
    },
    get rows() {
      return attached.size.peek().rows;
    },
  };
  Object.defineProperty(window, "fantail", { value: aid, configurable: true });
  return () => {
    Reflect.deleteProperty(window, "fantail");
  };
}
