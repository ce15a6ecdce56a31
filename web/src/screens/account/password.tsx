// A new password. Must never keep one longer than the request that sends it.

import { useState } from "preact/hooks";
import { changePassword } from "../../api/account";
import { ApiError } from "../../api/request";
import { inWords, Problem, useDoing } from "../doing";

export function PasswordForm({ hasPassword }: { hasPassword: boolean }) {
  const changing = useDoing();
  const [changed, setChanged] = useState(false);
  const change = (event: SubmitEvent) => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const fields = new FormData(form);
    const text = (name: string) => String(fields.get(name) ?? "");
    setChanged(false);
    void changing.run(async () => {
      if (text("new") !== text("again")) throw new Error("The new password was not typed the same twice.");
      await changePassword(hasPassword ? text("current") : null, text("new")).catch(explain);
      form.reset();
      setChanged(true);
    });
  };
  return (
    <section class="panel" aria-label="Password">
      <h2>Password</h2>
      <form onSubmit={change}>
        {hasPassword && <Secret name="current" words="Password so far" kind="current-password" />}
        <Secret name="new" words="New password" kind="new-password" />
        <Secret name="again" words="New password again" kind="new-password" />
        <Problem text={changing.problem} />
        <p class="quiet" role="status">
          {changed ? "Changed." : "At least 12 characters. You stay logged in here and nowhere else."}
        </p>
        <div class="choices">
          <button type="submit" disabled={changing.busy}>
            Change password
          </button>
        </div>
      </form>
    </section>
  );
}

function Secret({
  name,
  words,
  kind,
}: {
  name: string;
  words: string;
  kind: "current-password" | "new-password";
}) {
  return (
    <label>
      {words}
      <input name={name} type="password" autocomplete={kind} required />
    </label>
  );
}

function explain(error: unknown): never {
  const wrong = error instanceof ApiError && error.code === "invalid_login";
  throw new Error(wrong ? "The password so far is another." : inWords(error));
}
