// The button that opens a session again whose program has ended, in the list and on the session's own screen. It leads
// to the new session, which this page has opened.

import { useState } from "preact/hooks";
import type { Session } from "../api/contract";
import { reopenSession } from "../api/sessions";
import { go, sessionPath } from "../route";
import { notifyError } from "./notice";
import { sessionName } from "./session-dialogs";

interface Props {
  session: Session;
  look: "plain" | "primary";
  onOpened(session: Session): void;
}

export function Reopen({ session, look, onOpened }: Props) {
  const [busy, setBusy] = useState(false);
  const reopen = async () => {
    setBusy(true);
    try {
      const opened = await reopenSession(session.id);
      onOpened(opened);
      go(sessionPath(opened.id));
    } catch (error) {
      // The old one is still there, and so is its button.
      setBusy(false);
      notifyError(error);
    }
  };
  return (
    <button
      type="button"
      class={look}
      disabled={busy}
      aria-label={look === "plain" ? `Open again: ${sessionName(session)}` : undefined}
      aria-busy={busy}
      title="The same command in the same directory"
      onClick={() => void reopen()}
    >
      {busy ? "Opening…" : "Open again"}
    </button>
  );
}
