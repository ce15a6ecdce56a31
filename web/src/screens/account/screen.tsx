// One's own account: mail address, password, where one is logged in, and tokens for programs.

import type { User } from "../../api/contract";
import { standing } from "../../api/sessions";
import { label } from "../../label";
import { Page } from "../page";
import { Logins } from "./logins";
import { MailForm } from "./mail";
import { PasswordForm } from "./password";
import { Tokens } from "./tokens";

export function AccountScreen() {
  const who = standing.value;
  return (
    <Page title="Account">
      {who.name === "signedIn" && who.auth !== "none" ? (
        <>
          <Who user={who.user} />
          <PasswordForm hasPassword={who.user.hasPassword} />
          <Logins />
          <Tokens />
        </>
      ) : (
        <p class="empty">This server lets everybody in without an account.</p>
      )}
    </Page>
  );
}

function Who({ user }: { user: User }) {
  return (
    <section class="panel" aria-label="Who you are">
      <h2>{label(user.username)}</h2>
      <p class="quiet">{ROLES[user.role]}</p>
      <MailForm mail={user.mail} />
    </section>
  );
}

const ROLES: Record<User["role"], string> = {
  guest: "Guest: takes part in sessions shared with you.",
  member: "Member: opens sessions and shares them.",
  admin: "Administrator: runs this server, and reaches every session.",
};
