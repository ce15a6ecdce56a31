// Adding an account, changing one, and the link that lets its owner in.

import { useState } from "preact/hooks";
import type { Role, User, UserChange } from "../../api/contract";
import { addUser, changeUser, makeLoginLink } from "../../api/users";
import { label } from "../../label";
import { Choice } from "../choice";
import { Dialog } from "../dialog";
import { Problem, useDoing } from "../doing";
import { ShownOnce } from "../shown-once";

const ROLES: [Role, string][] = [
  ["guest", "Guest: takes part in shared sessions"],
  ["member", "Member: opens and shares sessions"],
  ["admin", "Administrator: runs the server"],
];

export interface Link {
  username: string;
  token: string;
}

interface AddProps {
  onAdded(link: Link): void;
  onClose(): void;
}

export function AddUser({ onAdded, onClose }: AddProps) {
  const adding = useDoing();
  // Kept when it was added and the link could not be made: the next try only makes the link.
  const [added, setAdded] = useState<User | null>(null);
  const add = (event: SubmitEvent) => {
    event.preventDefault();
    const fields = new FormData(event.currentTarget as HTMLFormElement);
    const mail = String(fields.get("mail")).trim();
    void adding.run(async () => {
      const wanted = { username: String(fields.get("username")).trim(), role: fields.get("role") as Role };
      const user = added ?? (await addUser(mail === "" ? wanted : { ...wanted, mail }));
      setAdded(user);
      const { token } = await makeLoginLink(user.id);
      onAdded({ username: user.username, token });
    });
  };
  return (
    <Dialog title="Add a user" onClose={onClose}>
      <form onSubmit={add}>
        <label>
          User name
          <input
            name="username"
            required
            maxLength={64}
            autocomplete="off"
            autocapitalize="none"
            spellcheck={false}
            readOnly={added !== null}
          />
        </label>
        <Choice label="Role" name="role" of={ROLES} chosen="member" />
        <label>
          Mail address
          <input name="mail" type="email" placeholder="optional" autocomplete="off" />
        </label>
        <p class="quiet">You get a link to pass on. Who opens it is logged in and chooses a password.</p>
        <Problem text={adding.problem} />
        <div class="choices">
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" class="primary" disabled={adding.busy}>
            Add
          </button>
        </div>
      </form>
    </Dialog>
  );
}

interface ChangeProps {
  user: User;
  onDone(): void;
  onClose(): void;
}

export function ChangeUser({ user, onDone, onClose }: ChangeProps) {
  const changing = useDoing();
  const change = (event: SubmitEvent) => {
    event.preventDefault();
    const wanted = differences(user, new FormData(event.currentTarget as HTMLFormElement));
    void changing.run(async () => {
      if (Object.keys(wanted).length > 0) await changeUser(user.id, wanted);
      onDone();
    });
  };
  return (
    <Dialog title={`Change ${label(user.username)}`} onClose={onClose}>
      <form onSubmit={change}>
        <Choice label="Role" name="role" of={ROLES} chosen={user.role} />
        <label>
          Mail address
          <input name="mail" type="email" defaultValue={user.mail ?? ""} autocomplete="off" />
        </label>
        <label class="check">
          <input type="checkbox" name="disabled" defaultChecked={user.disabled} />
          Disabled: cannot log in, and is sent away at once
        </label>
        <Problem text={changing.problem} />
        <div class="choices">
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" class="primary" disabled={changing.busy}>
            Save
          </button>
        </div>
      </form>
    </Dialog>
  );
}

// What was changed only: each change sends somebody away.
function differences(user: User, fields: FormData): UserChange {
  const change: UserChange = {};
  const role = fields.get("role") as Role;
  const mail = String(fields.get("mail")).trim() || null;
  const disabled = fields.get("disabled") !== null;
  if (role !== user.role) change.role = role;
  if (mail !== user.mail) change.mail = mail;
  if (disabled !== user.disabled) change.disabled = disabled;
  return change;
}

export function ShowLink({ link, onClose }: { link: Link; onClose(): void }) {
  return (
    <Dialog title={`Login link for ${label(link.username)}`} onClose={onClose}>
      <ShownOnce
        name="Link"
        value={`${location.origin}/#login=${link.token}`}
        hint="It logs in once, whoever opens it. Copy it now: it is not shown again."
      />
      <div class="choices">
        <button type="button" onClick={onClose}>
          Done
        </button>
      </div>
    </Dialog>
  );
}
