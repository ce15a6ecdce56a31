// Which screen is shown: starting, login, the list, or a session. Owns the start of the page and nothing after it.

import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Session } from "./api/contract";
import { ApiError } from "./api/request";
import { login, standing } from "./api/sessions";
import { route, takeLoginToken } from "./route";
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
  loginToken: string | null;
  loginError: string | null;
}

export function App({ loginToken, loginError }: Arrival) {
  const { problem, notice } = useStart(loginToken, loginError);
  return (
    <>
      {standing.value.name === "unknown" && <Starting problem={problem} />}
      {standing.value.name === "signedOut" && <LoginScreen notice={notice} />}
      {standing.value.name === "signedIn" && <Current />}
      <Notices />
    </>
  );
}

function Current() {
  const here = route.value;
  if (here.screen === "session") return <SessionLoader key={here.id} id={here.id} />;
  return <ListScreen onOpened={noteOpened} />;
}

function Starting({ problem }: { problem: string | null }) {
  return (
    <main class="starting">
      <p role="status">{problem === null ? "Starting…" : `${problem} Trying again…`}</p>
    </main>
  );
}

// Until the server has said who we are, keep asking: a page opened too early must not need a reload.
function useStart(loginToken: string | null, loginError: string | null) {
  const [problem, setProblem] = useState<string | null>(null);
  const [notice, setNotice] = useState(loginError === null ? null : refusalInWords(loginError));
  useEffect(() => {
    let stopped = false;
    let token = loginToken;
    const refused = (error: unknown) => {
      if (!(error instanceof ApiError)) throw error;
      const words =
        error.code === "invalid_login" ? "This login link has been used or has expired." : error.message;
      setNotice(words);
      notify(words, true);
    };
    const attempt = async () => {
      try {
        if (token !== null) await login.withLink(token).catch(refused);
        token = null;
        if (standing.value.name === "unknown") await login.begin();
      } catch (error) {
        setProblem(error instanceof Error ? error.message : String(error));
        if (!stopped) setTimeout(() => void attempt(), RETRY_MS);
      }
    };
    // A login link opened in a tab that already shows this page changes only the hash.
    const followLoginLink = () => {
      const link = takeLoginToken();
      if (link !== null) login.withLink(link).catch(refused).catch(notifyError);
    };
    addEventListener("hashchange", followLoginLink);
    void attempt();
    return () => {
      stopped = true;
      removeEventListener("hashchange", followLoginLink);
    };
  }, [loginToken]);
  return { problem, notice };
}

type SessionScreen = ComponentType<{ id: string; opener: boolean; onOpened(session: Session): void }>;

function SessionLoader({ id }: { id: string }) {
  const [Screen, setScreen] = useState<SessionScreen | null>(null);
  const [opener] = useState(() => openedHere === id);
  useEffect(() => {
    openedHere = null;
    import("./screens/session").then(({ default: screen }) => setScreen(() => screen), notifyError);
  }, []);
  return Screen === null ? (
    <Starting problem={null} />
  ) : (
    <Screen id={id} opener={opener} onOpened={noteOpened} />
  );
}
