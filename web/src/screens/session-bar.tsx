// The bar above the terminal: where one is, how the connection does, and what can be done. On a narrow window the
// actions move into a menu.

import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Session } from "../api/contract";
import { label } from "../label";
import type { Attached } from "../terminal/attached";
import { Badge } from "./badge";
import { CloseSession, RenameSession, sessionName } from "./session-dialogs";
import { ShareSession } from "./share/dialog";

interface Props {
  attached: Attached;
  // Null where there is nothing to go back to.
  onLeave: (() => void) | null;
}

export function SessionBar({ attached, onLeave }: Props) {
  const session = attached.session.value;
  const name = session === null ? "" : sessionName(session);
  const title = attached.title.value;
  const cwd = label(attached.cwd.value ?? "");
  const viewers = attached.viewers.value;
  return (
    <header class="bar">
      {onLeave !== null && (
        <button
          type="button"
          class="plain back"
          aria-label="Back to the sessions (Ctrl+Shift+L)"
          title="Back to the sessions (Ctrl+Shift+L)"
          onClick={onLeave}
        >
          ‹
        </button>
      )}
      <h1 title={cwd === "" ? title || name : `${title || name}\n${cwd}`}>
        {name}
        {title !== "" && title !== name && <small>{title}</small>}
      </h1>
      <Badge attached={attached} />
      {attached.holds && !attached.over && <span class="badge live">You have control</span>}
      {session !== null && (
        <>
          <span class="viewers" title="Pages attached to this session">
            {viewers === 1 ? "1 viewer" : `${viewers} viewers`}
          </span>
          <Actions attached={attached} session={session} onLeave={onLeave} />
        </>
      )}
    </header>
  );
}

function Actions({ attached, session, onLeave }: Props & { session: Session }) {
  const [menu, setMenu] = useState(false);
  const [dialog, setDialog] = useState<"share" | "rename" | "close" | null>(null);
  const place = useRef<HTMLDivElement>(null);
  const dismiss = () => {
    setMenu(false);
    setDialog(null);
  };

  useLayoutEffect(() => {
    if (dialog === null) return;
    // After the dialog's own, which gives the focus back to a button that may be hidden by now.
    return () => attached.focus();
  }, [dialog, attached]);

  useEffect(() => {
    if (!menu) return;
    const outside = (event: Event) => {
      if (event.target instanceof Node && !place.current?.contains(event.target)) setMenu(false);
    };
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== "Escape") return;
      setMenu(false);
      attached.focus();
    };
    addEventListener("pointerdown", outside);
    addEventListener("keydown", onKey);
    return () => {
      removeEventListener("pointerdown", outside);
      removeEventListener("keydown", onKey);
    };
  }, [menu, attached]);

  return (
    <div class="actions" ref={place}>
      <button
        type="button"
        class="plain more"
        aria-label="Actions"
        aria-expanded={menu}
        onClick={() => setMenu(!menu)}
      >
        ⋯
      </button>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: any choice inside closes the menu; the choices are buttons. */}
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: a key on a button is a click too. */}
      <div class={menu ? "menu shown" : "menu"} onClick={() => setMenu(false)}>
        <SizeAction attached={attached} />
        <AccessActions attached={attached} />
        {attached.owns.value && (
          <>
            <button type="button" onClick={() => setDialog("share")}>
              Share
            </button>
            <button type="button" onClick={() => setDialog("rename")}>
              Rename
            </button>
            <button type="button" onClick={() => setDialog("close")}>
              Close
            </button>
          </>
        )}
      </div>
      {dialog === "share" && <ShareSession session={session} onClose={dismiss} />}
      {dialog === "rename" && <RenameSession session={session} onDone={dismiss} onClose={dismiss} />}
      {dialog === "close" && <CloseSession session={session} onDone={onLeave ?? dismiss} onClose={dismiss} />}
    </div>
  );
}

const WHOSE_SIZE: Record<Session["sizes"], string> = {
  latest: "The session has the size of the window that was typed into last",
  owner: "The session has the size of its owner's window",
  smallest: "The session has the size that fits every window",
  fixed: "The session keeps its size",
};

function SizeAction({ attached }: { attached: Attached }) {
  const { cols, rows } = attached.size.value;
  const sizes = attached.session.value?.sizes ?? "latest";
  const idle = attached.fits.value || !attached.control.value || attached.over || sizes !== "latest";
  return (
    <button
      type="button"
      class="size"
      disabled={idle}
      title={idle ? WHOSE_SIZE[sizes] : "Give the session the size of this window"}
      onClick={() => attached.fitHere()}
    >
      Fit{" "}
      <span>
        {cols}×{rows}
      </span>
    </button>
  );
}

function AccessActions({ attached }: { attached: Attached }) {
  const watching = attached.wantedAccess.value === "view";
  // Who was let in only to watch cannot choose.
  const mayChoose = watching || attached.control.value;
  return (
    <>
      {mayChoose && (
        <button
          type="button"
          aria-pressed={watching}
          disabled={attached.over}
          title="Attach without being able to type"
          onClick={() => attached.attachAs(watching ? "control" : "view")}
        >
          Watch only
        </button>
      )}
      {attached.control.value && !attached.isKeptOut && (
        <button
          type="button"
          aria-pressed={attached.holds}
          disabled={attached.over}
          title={attached.holds ? "Let every page type again" : "Only this page may type"}
          onClick={() => (attached.holds ? attached.releaseControl() : attached.takeControl())}
        >
          {attached.holds ? "Release control" : "Take control"}
        </button>
      )}
    </>
  );
}
