// One's mail address.

import { useState } from "preact/hooks";
import { changeMail } from "../../api/account";
import { Problem, useDoing } from "../doing";

export function MailForm({ mail }: { mail: string | null }) {
  const saving = useDoing();
  const [saved, setSaved] = useState(false);
  const save = (event: SubmitEvent) => {
    event.preventDefault();
    const given = String(new FormData(event.currentTarget as HTMLFormElement).get("mail")).trim();
    setSaved(false);
    void saving.run(async () => {
      await changeMail(given === "" ? null : given);
      setSaved(true);
    });
  };
  return (
    <form onSubmit={save}>
      <label>
        Mail address
        <input
          name="mail"
          type="email"
          defaultValue={mail ?? ""}
          autocomplete="email"
          onInput={() => setSaved(false)}
        />
      </label>
      <Problem text={saving.problem} />
      <div class="choices">
        <span role="status">{saved ? "Saved." : ""}</span>
        <button type="submit" disabled={saving.busy}>
          Save
        </button>
      </div>
    </form>
  );
}
