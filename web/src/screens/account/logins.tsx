// Where one is logged in, and ending that.

import { endLogin, endOtherLogins, listLogins } from "../../api/account";
import type { LoginInfo } from "../../api/contract";
import { login } from "../../api/sessions";
import { label, moment } from "../../label";
import { Problem, useDoing, useListed } from "../doing";

export function Logins() {
  const { items, problem, refresh } = useListed(listLogins);
  const ending = useDoing();
  const end = ({ id, current }: LoginInfo) =>
    void ending.run(async () => {
      if (current) return login.leave();
      await endLogin(id);
      await refresh();
    });
  const endOthers = () =>
    void ending.run(async () => {
      await endOtherLogins();
      await refresh();
    });
  return (
    <section class="panel" aria-label="Logins">
      <h2>Where you are logged in</h2>
      <Problem text={ending.problem ?? problem} />
      <ul class="rows" aria-label="Logins" aria-busy={items === null}>
        {items?.map((info) => (
          <li key={info.id}>
            <span>
              {info.current && <b>Here · </b>}
              {label(info.client)}
              <small>
                since {moment(info.createdAt)}, last renewed {moment(info.renewedAt)}
              </small>
            </span>
            <button
              type="button"
              disabled={ending.busy}
              aria-label={`Log out ${info.current ? "here" : label(info.client)}`}
              onClick={() => end(info)}
            >
              Log out
            </button>
          </li>
        ))}
      </ul>
      <div class="choices">
        <button type="button" class="danger" disabled={ending.busy} onClick={endOthers}>
          Log out everywhere else
        </button>
      </div>
    </section>
  );
}
