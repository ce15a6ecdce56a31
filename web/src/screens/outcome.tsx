// What is said below the terminal when something keeps it from being used: ended, closed, refused, or input piling up.

import { useEffect, useState } from "preact/hooks";
import type { Session } from "../api/contract";
import { byteCount, exitWords } from "../label";
import type { Attached } from "../terminal/attached";
import { Reopen } from "./reopen";
import { CloseSession } from "./session-dialogs";

interface Props {
  attached: Attached;
  // Null where there is nothing to go back to.
  onLeave: (() => void) | null;
  onOpened(session: Session): void;
}

// Typing never queues this much; a paste into a program that does not read does.
const WORTH_SAYING_BYTES = 64 * 1024;

export function Outcome({ attached, onLeave, onOpened }: Props) {
  const [asking, setAsking] = useState(false);
  const pending = usePendingInput(attached);
  const phase = attached.phaseNow.value;
  const exit = attached.exited.value;
  const session = attached.session.value;
  const back = onLeave !== null && (
    <button type="button" onClick={onLeave}>
      Back to the sessions
    </button>
  );

  if (phase.name === "closed") {
    return (
      <div class="outcome" role="status">
        <span>This session was closed.</span>
        {back}
      </div>
    );
  }
  if (phase.name === "refused") {
    return (
      <div class="outcome problem" role="alert">
        <span>Stopped: {phase.why}</span>
        {back}
      </div>
    );
  }
  if (exit !== null) {
    const words = exitWords(exit.code, exit.signal, exit.reason);
    return (
      <div class="outcome" role="status">
        <span>The program {words}.</span>
        {session !== null && attached.owns.value && (
          <>
            <Reopen session={session} look="primary" onOpened={onOpened} />
            <button type="button" onClick={() => setAsking(true)}>
              Close session
            </button>
          </>
        )}
        {back}
        {asking && session !== null && (
          <CloseSession
            session={{ ...session, status: "exited" }}
            onDone={onLeave ?? (() => setAsking(false))}
            onClose={() => setAsking(false)}
          />
        )}
      </div>
    );
  }
  if (pending > WORTH_SAYING_BYTES) {
    return (
      <div class="outcome" role="status">
        <span>{byteCount(pending)} of input waiting for the program to read it.</span>
      </div>
    );
  }
  return null;
}

function usePendingInput(attached: Attached): number {
  const [pending, setPending] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => setPending(attached.pendingInput), 1000);
    return () => clearInterval(timer);
  }, [attached]);
  return pending;
}
