// The screen of one session: the bar above, the terminal, what to say when it is over, and the extra keys.
// Loaded on demand, with xterm.js.

import { useEffect, useRef, useState } from "preact/hooks";
import type { Session } from "../api/contract";
import { isUnauthenticated } from "../api/login";
import { login } from "../api/sessions";
import { go } from "../route";
import { Attached } from "../terminal/attached";
import { stateOf } from "./badge";
import { ControlStrip, Requests } from "./control";
import { KeyBar } from "./key-bar";
import { dismissHints, notifyError } from "./notice";
import { Outcome } from "./outcome";
import { PasteQuestion } from "./paste";
import { SessionBar } from "./session-bar";
import { sessionName } from "./session-dialogs";

interface Props {
  id: string;
  // Came by a link: this session is all there is.
  guest: boolean;
  opener: boolean;
  onOpened(session: Session): void;
}

const toTheList = () => go("/");

export default function SessionScreen({ id, guest, opener, onOpened }: Props) {
  const leave = guest ? null : toTheList;
  const room = useRef<HTMLDivElement>(null);
  const [attached, setAttached] = useState<Attached | null>(null);

  useEffect(() => {
    if (room.current === null) return;
    const place = room.current;
    const made = new Attached(id, place, opener, leave);
    setAttached(made);
    const unwatch = watchSurroundings(made, place, leave);
    const withdraw = offerForDebugging(made);
    return () => {
      withdraw();
      unwatch();
      made.dispose();
      dismissHints();
      place.replaceChildren();
      setAttached(null);
    };
  }, [id, opener, leave]);

  return (
    <main class="session">
      {attached === null ? <div class="bar" /> : <SessionBar attached={attached} onLeave={leave} />}
      {attached !== null && <ControlStrip attached={attached} />}
      <div class="room" ref={room} />
      {attached !== null && (
        <>
          <Requests attached={attached} />
          <PasteQuestion attached={attached} />
          {guest && <LinkWatch attached={attached} />}
          <Title attached={attached} />
          <Bell attached={attached} />
          <Outcome attached={attached} onLeave={leave} onOpened={onOpened} />
          <KeyBar attached={attached} />
        </>
      )}
    </main>
  );
}

// Whoever is sent away may have come by a link that was taken back: asked once, the server says so; draws nothing.
function LinkWatch({ attached }: { attached: Attached }) {
  const sentAway = attached.phaseNow.value.name === "refused";
  useEffect(() => {
    if (!sentAway) return;
    login.renew().catch((error: unknown) => {
      if (!isUnauthenticated(error)) notifyError(error);
    });
  }, [sentAway]);
  return null;
}

// The window's title; draws nothing. It also says that the program rang while nobody looked.
function Title({ attached }: { attached: Attached }) {
  const session = attached.session.value;
  const name = attached.title.value || (session === null ? "" : sessionName(session));
  const rang = useRangUnseen(attached);
  useEffect(() => {
    document.title = name === "" ? "Fantail" : `${rang ? "🔔 " : ""}${name} · Fantail`;
  }, [name, rang]);
  return null;
}

function useRangUnseen(attached: Attached): boolean {
  const [unseen, setUnseen] = useState(false);
  const rings = attached.rings.value;
  useEffect(() => {
    if (rings > 0 && document.visibilityState === "hidden") setUnseen(true);
  }, [rings]);
  useEffect(() => {
    const look = () => {
      if (document.visibilityState === "visible") setUnseen(false);
    };
    document.addEventListener("visibilitychange", look);
    return () => document.removeEventListener("visibilitychange", look);
  }, []);
  return unseen;
}

// The bell, for the eyes. A new key starts the animation anew.
function Bell({ attached }: { attached: Attached }) {
  const rings = attached.rings.value;
  return rings === 0 ? null : <div key={rings} class="rang" aria-hidden="true" />;
}

// Everything outside the session that it reacts to.
function watchSurroundings(attached: Attached, room: HTMLElement, leave: (() => void) | null): () => void {
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
    if (leave === null || event.defaultPrevented) return;
    if (!event.ctrlKey || !event.shiftKey || event.code !== "KeyL") return;
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
