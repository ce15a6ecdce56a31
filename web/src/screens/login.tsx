// The login form. Must never keep the password longer than the request that sends it.

import { useState } from "preact/hooks";
import { ApiError } from "../api/request";
import { login } from "../api/sessions";

export function LoginScreen({ notice }: { notice: string | null }) {
  const [problem, setProblem] = useState(notice);
  const [busy, setBusy] = useState(false);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const fields = new FormData(form);
    setBusy(true);
    setProblem(null);
    try {
      await login.withPassword(String(fields.get("username")), String(fields.get("password")));
    } catch (error) {
      setProblem(inWords(error));
      setBusy(false);
    }
  };
  return (
    <main class="login">
      <form onSubmit={(event) => void submit(event)} aria-label="Log in">
        <h1 class="brand">
          <img src="/favicon.svg" alt="" width="36" height="36" />
          Fantail
        </h1>
        <label>
          User name
          <input name="username" autocomplete="username" autocapitalize="none" required autofocus />
        </label>
        <label>
          Password
          <input name="password" type="password" autocomplete="current-password" required />
        </label>
        {problem !== null && (
          <p class="problem" role="alert">
            {problem}
          </p>
        )}
        <button type="submit" class="primary" disabled={busy}>
          {busy ? "Logging in…" : "Log in"}
        </button>
      </form>
    </main>
  );
}

// The server does not say which of the two was wrong, nor do we.
function inWords(error: unknown): string {
  if (error instanceof ApiError && error.code === "invalid_login") return "Wrong user name or password.";
  return error instanceof Error ? error.message : String(error);
}
