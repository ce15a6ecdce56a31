// The two things done to a session by name, from the list and from its own screen: rename, and close after a question.

import { useState } from "preact/hooks";
import type { Session } from "../api/contract";
import { closeSession, renameSession } from "../api/sessions";
import { label } from "../label";
import { Confirm, Dialog } from "./dialog";
import { notifyError } from "./notice";

export function sessionName(session: Session): string {
  const program = session.command[0]?.split("/").at(-1);
  return label(session.name ?? session.title ?? program ?? "") || "session";
}

interface Props {
  session: Session;
  onDone(): void;
  onClose(): void;
}

export function CloseSession({ session, onDone, onClose }: Props) {
  const [busy, setBusy] = useState(false);
  const close = async () => {
    setBusy(true);
    try {
      await closeSession(session.id);
      onDone();
    } catch (error) {
      notifyError(error);
      onClose();
    }
  };
  const name = sessionName(session);
  const text =
    session.status === "exited"
      ? `The program of “${name}” has ended. Its output will be gone for everyone.`
      : `This ends the program of “${name}” and everything it started. Its output will be gone for everyone.`;
  return (
    <Confirm
      title="Close session?"
      text={text}
      action="Close session"
      busy={busy}
      onConfirm={() => void close()}
      onClose={onClose}
    />
  );
}

export function RenameSession({ session, onDone, onClose }: Props) {
  const [name, setName] = useState(session.name ?? "");
  const [problem, setProblem] = useState<string | null>(null);
  const rename = async (event: Event) => {
    event.preventDefault();
    try {
      await renameSession(session.id, name);
      onDone();
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
  };
  return (
    <Dialog title="Rename session" onClose={onClose}>
      <form onSubmit={(event) => void rename(event)}>
        <label>
          Name
          <input
            value={name}
            maxLength={256}
            required
            // One may go on from the old name or type over it.
            onFocus={(event) => event.currentTarget.select()}
            onInput={(event) => setName(event.currentTarget.value)}
          />
        </label>
        {problem !== null && (
          <p class="problem" role="alert">
            {problem}
          </p>
        )}
        <div class="choices">
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" class="primary">
            Rename
          </button>
        </div>
      </form>
    </Dialog>
  );
}
