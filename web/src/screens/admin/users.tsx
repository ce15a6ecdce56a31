// Everyone's accounts, for who runs the server: listed, added, changed, logged out, and let in by a one-use link.

import { useEffect, useState } from "preact/hooks";
import type { User } from "../../api/contract";
import { endLoginsOf, listUsers, makeLoginLink } from "../../api/users";
import { label } from "../../label";
import { inWords, Problem, useDoing } from "../doing";
import { notify } from "../notice";
import { Page } from "../page";
import { AddUser, ChangeUser, type Link, ShowLink } from "./user-dialogs";

// What the server gives at once.
const PAGE = 200;

type Open = { dialog: "add" } | { dialog: "change"; user: User } | { dialog: "link"; link: Link } | null;

export function UsersScreen() {
  const { users, more, problem, refresh, readMore } = useUsers();
  const [open, setOpen] = useState<Open>(null);
  const doing = useDoing();
  const showLink = (link: Link) => setOpen({ dialog: "link", link });
  const letIn = (user: User) =>
    void doing.run(async () => {
      const { token } = await makeLoginLink(user.id);
      showLink({ username: user.username, token });
    });
  const logOut = (user: User) =>
    void doing.run(async () => {
      await endLoginsOf(user.id);
      notify(`${label(user.username)} is logged out everywhere.`);
    });
  const close = () => setOpen(null);
  return (
    <Page
      title="Users"
      action={
        <button type="button" class="primary" onClick={() => setOpen({ dialog: "add" })}>
          Add user
        </button>
      }
    >
      <Problem text={doing.problem ?? problem} />
      <ul class="rows wide" aria-label="Users" aria-busy={users === null}>
        {users?.map((user) => (
          <Row
            key={user.id}
            user={user}
            busy={doing.busy}
            onChange={() => setOpen({ dialog: "change", user })}
            onLink={() => letIn(user)}
            onLogOut={() => logOut(user)}
          />
        ))}
      </ul>
      {more && (
        <button type="button" onClick={() => void readMore()}>
          More
        </button>
      )}
      {open?.dialog === "add" && (
        <AddUser
          onAdded={(link) => {
            void refresh();
            showLink(link);
          }}
          onClose={close}
        />
      )}
      {open?.dialog === "change" && (
        <ChangeUser
          user={open.user}
          onDone={() => {
            close();
            void refresh();
          }}
          onClose={close}
        />
      )}
      {open?.dialog === "link" && <ShowLink link={open.link} onClose={close} />}
    </Page>
  );
}

// Page behind page, as far as was asked for.
function useUsers() {
  const [users, setUsers] = useState<User[] | null>(null);
  const [more, setMore] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const read = async (before: User[]) => {
    try {
      const page = await listUsers(before.at(-1)?.username ?? null);
      setUsers([...before, ...page]);
      setMore(page.length === PAGE);
      setProblem(null);
    } catch (error) {
      setProblem(inWords(error));
    }
  };
  useEffect(() => void read([]), []);
  return { users, more, problem, refresh: () => read([]), readMore: () => read(users ?? []) };
}

interface RowProps {
  user: User;
  busy: boolean;
  onChange(): void;
  onLink(): void;
  onLogOut(): void;
}

function Row({ user, busy, onChange, onLink, onLogOut }: RowProps) {
  const name = label(user.username);
  return (
    <li>
      <span>
        <b>{name}</b>
        <small>
          {user.role}
          {user.disabled && ", disabled"}
          {!user.hasPassword && ", without a password"}
          {user.mail !== null && ` · ${label(user.mail)}`}
        </small>
      </span>
      <div class="row-actions">
        <button type="button" class="plain" aria-label={`Change ${name}`} onClick={onChange}>
          Change
        </button>
        <button
          type="button"
          class="plain"
          aria-label={`Login link for ${name}`}
          disabled={busy || user.disabled}
          onClick={onLink}
        >
          Login link
        </button>
        <button
          type="button"
          class="plain"
          aria-label={`Log out ${name} everywhere`}
          disabled={busy}
          onClick={onLogOut}
        >
          Log out
        </button>
      </div>
    </li>
  );
}
