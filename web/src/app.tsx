// Which screen is shown: starting, login, a link that has ended, the list, a session, or what is administered. Owns the start of the page and nothing after it.

import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Session } from "./api/contract";
import { ApiError } from "./api/request";
import { login, standing } from "./api/sessions";
import { guestOf, route, type Secret, sessionPath, stay, takeSecret } from "./route";
import { AccountScreen } from "./screens/account/screen";
import { AuditScreen } from "./screens/admin/audit";
import { UsersScreen } from "./screens/admin/users";
import { LinkEnded } from "./screens/link-ended";
import { ListScreen } from "./screens/list";
import { LoginScreen, refusalInWords } from "./screens/login";
import { Notices, notify, notifyError } from "./screens/notice";

const RETRY_MS = 2_000;

// The session this page has opened and not shown yet: its screen leads from the start.
let openedHere: string | null = null;
const noteOpened = (session: Session) => {
  openedHere = session.id;
};

interface Arrival {
  secret: Secret | null;
  loginError: string | null;
}

export function App({ secret, loginError }: Arrival) {
  const { problem, notice } = useStart(secret, loginError);
  return (
    <>
      {standing.value.name === "unknown" && <Starting problem={problem} />}
      {standing.value.name === "signedOut" && <LoginScreen notice={notice} />}
      {standing.value.name === "turnedAway" && <LinkEnded />}
      {standing.value.name === "guest" && <GuestSession id={standing.value.share.sessionId} />}
      {standing.value.name === "signedIn" && <Current />}
      <Notices />
    </>
  );
}

// A link leads to its session, whatever address it was put behind.
function GuestSession({ id }: { id: string }) {
  useEffect(() => stay(sessionPath(id)), [id]);
  return <SessionLoader key={`guest ${id}`} id={id} guest />;
}

function Current() {
  const here = route.value;
  switch (here.screen) {
    case "session":
      return <SessionLoader key={here.id} id={here.id} guest={false} />;
    case "account":
      return <AccountScreen />;
    case "users":
      return <UsersScreen />;
    case "audit":
      return <AuditScreen />;
    case "list":
      return <ListScreen onOpened={noteOpened} />;
  }
}

function Starting({ problem }: { problem: string | null }) {
  return (
    <main class="starting">
      <p role="status">{problem === null ? "Starting…" : `${problem} Trying again…`}</p>
    </main>
  );
}

// Until the server has said who we are, keep asking: a page opened too early must not need a reload.
function useStart(secret: Secret | null, loginError: string | null) {
  const [problem, setProblem] = useState<string | null>(null);
  const [notice, setNotice] = useState(loginError === null ? null : refusalInWords(loginError));
  useEffect(() => {
    let stopped = false;
    let left = secret;
    const refused = (error: unknown) => {
      if (!(error instanceof ApiError)) throw error;
      const words =
        error.code === "invalid_login" ? "This login link has been used or has expired." : error.message;
      setNotice(words);
      notify(words, true);
    };
    const use = ({ kind, text }: Secret) =>
      kind === "share" ? login.withShare(text) : login.withLink(text).catch(refused);
    const attempt = async () => {
      try {
        if (left !== null) await use(left);
        left = null;
        if (standing.value.name !== "unknown") return;
        const session = guestOf();
        await (session === null ? login.begin() : login.beginAsGuest(session));
      } catch (error) {
        setProblem(error instanceof Error ? error.message : String(error));
        if (!stopped) setTimeout(() => void attempt(), RETRY_MS);
      }
    };
    // A link opened in a tab that already shows this page changes only the hash.
    const followLink = () => {
      const link = takeSecret();
      if (link !== null) use(link).catch(notifyError);
    };
    addEventListener("hashchange", followLink);
    void attempt();
    return () => {
      stopped = true;
      removeEventListener("hashchange", followLink);
    };
  }, [secret]);
  return { problem, notice };
}

type SessionScreen = ComponentType<{
  id: string;
  guest: boolean;
  opener: boolean;
  onOpened(session: Session): void;
}>;

function SessionLoader({ id, guest }: { id: string; guest: boolean }) {
  const [Screen, setScreen] = useState<SessionScreen | null>(null);
  const [opener] = useState(() => openedHere === id);
  useEffect(() => {
    openedHere = null;
    import("./screens/session").then(({ default: screen }) => setScreen(() => screen), notifyError);
  }, []);
  return Screen === null ? (
    <Starting problem={null} />
  ) : (
    <Screen id={id} guest={guest} opener={opener} onOpened={noteOpened} />
  );
}
