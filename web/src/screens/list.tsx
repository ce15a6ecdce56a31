// The sessions this user has, kept fresh while somebody looks: fetched on focus and every few seconds.

import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import type { Session } from "../api/contract";
import { listSessions, standing } from "../api/sessions";
import { formatCommandLine } from "../command-line";
import { age, exitWords, label } from "../label";
import { followLink, go, sessionPath } from "../route";
import { OpenForm } from "./open";
import { Page } from "./page";
import { Reopen } from "./reopen";
import { CloseSession, RenameSession, sessionName } from "./session-dialogs";

const REFRESH_MS = 3_000;

type Open = { dialog: "open" } | { dialog: "rename" | "close"; session: Session } | null;

export function ListScreen({ onOpened }: { onOpened(session: Session): void }) {
  const { sessions, problem, refresh } = useSessions();
  const [open, setOpen] = useState<Open>(null);
  const done = () => {
    setOpen(null);
    void refresh();
  };
  return (
    <Page title="Sessions" action={mayOpen() && <OpenButton onClick={() => setOpen({ dialog: "open" })} />}>
      {problem !== null && (
        <p class="problem banner" role="alert">
          {problem} Trying again…
        </p>
      )}
      {sessions?.length === 0 && (
        <div class="empty">
          <p>No sessions are open.</p>
          <p>
            {mayOpen()
              ? "A session is a program on the server that stays when you leave. Open one and come back from anywhere."
              : "Sessions that others share with you are listed here."}
          </p>
        </div>
      )}
      <ul aria-label="Sessions" aria-busy={sessions === null}>
        {sessions?.map((session) => (
          <Row
            key={session.id}
            session={session}
            onAsk={(dialog) => setOpen({ dialog, session })}
            onOpened={onOpened}
          />
        ))}
      </ul>
      {open?.dialog === "open" && (
        <OpenForm
          onClose={() => setOpen(null)}
          onOpened={(session) => {
            onOpened(session);
            go(sessionPath(session.id));
          }}
        />
      )}
      {open?.dialog === "rename" && (
        <RenameSession session={open.session} onDone={done} onClose={() => setOpen(null)} />
      )}
      {open?.dialog === "close" && (
        <CloseSession session={open.session} onDone={done} onClose={() => setOpen(null)} />
      )}
    </Page>
  );
}

// Guests only take part in what others have opened.
function mayOpen(): boolean {
  return standing.value.name === "signedIn" && standing.value.user.role !== "guest";
}

function OpenButton({ onClick }: { onClick(): void }) {
  return (
    <button type="button" class="primary" onClick={onClick}>
      New session
    </button>
  );
}

function useSessions() {
  const [sessions, setSessions] = useState<Session[] | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const busy = useRef(false);
  const refresh = useCallback(async () => {
    busy.current = true;
    try {
      setSessions(await listSessions());
      setProblem(null);
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    } finally {
      busy.current = false;
    }
  }, []);
  useEffect(() => {
    const look = () => {
      // A server that answers slowly is not asked more often for it.
      if (document.visibilityState === "visible" && !busy.current) void refresh();
    };
    look();
    const timer = setInterval(look, REFRESH_MS);
    addEventListener("focus", look);
    addEventListener("online", look);
    document.addEventListener("visibilitychange", look);
    return () => {
      clearInterval(timer);
      removeEventListener("focus", look);
      removeEventListener("online", look);
      document.removeEventListener("visibilitychange", look);
    };
  }, [refresh]);
  return { sessions, problem, refresh };
}

interface RowProps {
  session: Session;
  onAsk(dialog: "rename" | "close"): void;
  onOpened(session: Session): void;
}

function Row({ session, onAsk, onOpened }: RowProps) {
  const name = sessionName(session);
  const title = label(session.title ?? "");
  const path = sessionPath(session.id);
  const watching = session.viewers === 1 ? "1 viewer" : `${session.viewers} viewers`;
  return (
    <li>
      <a
        href={path}
        title={label(session.cwd ?? session.workingDir)}
        onClick={(event) => followLink(event, path)}
      >
        <span class={`dot ${session.status}`} aria-hidden="true" />
        <span class="name">
          {name}
          {title !== "" && title !== name && <small>{title}</small>}
        </span>
        <span class="status">{statusWords(session)}</span>
        <code class="command">{label(formatCommandLine(session.command))}</code>
        <span class="facts">
          <span>
            {session.cols}×{session.rows}
          </span>
          <span>{watching}</span>
          <span>{age(session.startedAt, Date.now())}</span>
        </span>
      </a>
      {session.access === "own" ? (
        <div class="row-actions">
          {session.status === "exited" && <Reopen session={session} look="plain" onOpened={onOpened} />}
          <button type="button" class="plain" aria-label={`Rename ${name}`} onClick={() => onAsk("rename")}>
            Rename
          </button>
          <button type="button" class="plain" aria-label={`Close ${name}`} onClick={() => onAsk("close")}>
            Close
          </button>
        </div>
      ) : (
        <span class="quiet shared">{session.access === "view" ? "shared, to watch" : "shared"}</span>
      )}
    </li>
  );
}

function statusWords(session: Session): string {
  return session.status === "exited"
    ? exitWords(session.exitCode, session.exitSignal, session.exitReason)
    : session.status;
}
