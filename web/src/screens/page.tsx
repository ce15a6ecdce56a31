// What surrounds the screens outside of a session: the name, who is logged in, and the way to the others.

import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { login, standing } from "../api/sessions";
import { label } from "../label";
import { followLink, route } from "../route";
import { notifyError } from "./notice";

interface Props {
  title: string;
  // What can be begun here.
  action?: ComponentChildren;
  children: ComponentChildren;
}

export function Page({ title, action, children }: Props) {
  useEffect(() => {
    document.title = title === "Sessions" ? "Fantail" : `${title} · Fantail`;
  }, [title]);
  return (
    <main class="list">
      <header>
        <h1 class="brand">
          <img src="/favicon.svg" alt="" width="28" height="28" />
          Fantail
        </h1>
        <WhoIs />
        {action}
      </header>
      <Ways />
      {children}
    </main>
  );
}

function WhoIs() {
  const who = standing.value;
  if (who.name !== "signedIn" || who.auth === "none") return null;
  return (
    <div class="account">
      <span>{label(who.user.username)}</span>
      <button type="button" class="plain" onClick={() => login.leave().catch(notifyError)}>
        Log out
      </button>
    </div>
  );
}

// Without logins there are no accounts to look after.
function Ways() {
  const who = standing.value;
  if (who.name !== "signedIn" || who.auth === "none") return null;
  return (
    <nav aria-label="Pages">
      <Way path="/" screen="list" words="Sessions" />
      <Way path="/account" screen="account" words="Account" />
      {who.user.role === "admin" && (
        <>
          <Way path="/users" screen="users" words="Users" />
          <Way path="/audit" screen="audit" words="Audit log" />
        </>
      )}
    </nav>
  );
}

function Way({ path, screen, words }: { path: string; screen: string; words: string }) {
  const here = route.value.screen === screen;
  return (
    <a href={path} aria-current={here ? "page" : undefined} onClick={(event) => followLink(event, path)}>
      {words}
    </a>
  );
}
