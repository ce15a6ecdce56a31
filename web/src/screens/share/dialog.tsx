// Who else may reach a session: by a link, or with an account. Shown to its owner only.

import type { Session } from "../../api/contract";
import { Dialog } from "../dialog";
import { sessionName } from "../session-dialogs";
import { Grants } from "./grants";
import { Links } from "./links";

interface Props {
  session: Session;
  onClose(): void;
}

export function ShareSession({ session, onClose }: Props) {
  return (
    <Dialog title={`Share ${sessionName(session)}`} onClose={onClose}>
      <Links session={session.id} />
      <Grants session={session.id} />
      <div class="choices">
        <button type="button" onClick={onClose}>
          Done
        </button>
      </div>
    </Dialog>
  );
}
