// The login form. Must never keep the password longer than the request that sends it.

import { useEffect, useState } from "preact/hooks";
import type { Provider } from "../api/contract";
import { ApiError } from "../api/request";
import { login } from "../api/sessions";

export function LoginScreen({ notice }: { notice: string | null }) {
  const [problem, setProblem] = useState(notice);
  const [busy, setBusy] = useState(false);
  const [providers, setProviders] = useState<Provider[]>([]);
  useEffect(() => {
    // Who cannot be asked offers nothing; the form is there all the same.
    login.providers().then(setProviders, () => {});
  }, []);
  const leaveFor = async (provider: Provider) => {
    setBusy(true);
    try {
      location.assign(await login.addressAt(provider.name, location.pathname));
    } catch (error) {
      setProblem(inWords(error));
      setBusy(false);
    }
  };
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
        {providers.map((provider) => (
          <button key={provider.name} type="button" disabled={busy} onClick={() => void leaveFor(provider)}>
            Log in with {provider.label}
          </button>
        ))}
      </form>
    </main>
  );
}

// The server does not say which of the two was wrong, nor do we.
function inWords(error: unknown): string {
  if (error instanceof ApiError && error.code === "invalid_login") return "Wrong user name or password.";
  return error instanceof Error ? error.message : String(error);
}

const REFUSALS: Record<string, string> = {
  oidc_state: "That took too long, or was begun in another browser. Please log in once more.",
  oidc_denied: "The other service did not log you in.",
  oidc_unavailable: "The other service does not answer as it should.",
  oidc_invalid: "The other service’s answer could not be verified.",
  oidc_unknown: "No account here belongs to that login.",
  oidc_domain: "That login’s mail address is not allowed here.",
  oidc_disabled: "This account is disabled.",
  oidc_taken: "That login belongs to another account already.",
  oidc_busy: "Too many logins at once. Please try again.",
};

// Why a login by another service came to nothing.
export function refusalInWords(code: string): string {
  return REFUSALS[code] ?? "The login failed.";
}
