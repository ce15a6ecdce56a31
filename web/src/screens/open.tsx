// The form that opens a session, at the size this page will show it in.

import { useState } from "preact/hooks";
import type { OpenSession, Session } from "../api/contract";
import { ApiError } from "../api/request";
import { openSession } from "../api/sessions";
import { CommandLineError, parseCommandLine } from "../command-line";
import { Dialog } from "./dialog";

interface Problem {
  field: string | null;
  text: string;
}

interface Props {
  onOpened(session: Session): void;
  onClose(): void;
}

export function OpenForm({ onOpened, onClose }: Props) {
  const [problem, setProblem] = useState<Problem | null>(null);
  const [busy, setBusy] = useState(false);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const fields = new FormData(event.currentTarget as HTMLFormElement);
    setBusy(true);
    setProblem(null);
    try {
      const wanted = read(fields);
      const { openingSize } = await import("../terminal/stage");
      onOpened(await openSession({ ...wanted, ...openingSize() }));
    } catch (error) {
      setBusy(false);
      setProblem(describe(error));
    }
  };
  return (
    <Dialog title="Open a session" onClose={onClose}>
      <form onSubmit={(event) => void submit(event)}>
        <Field name="command" text="Command" placeholder="login shell" problem={problem} code />
        <Field name="workingDir" text="Working directory" placeholder="home" problem={problem} code />
        <Field name="name" text="Name" placeholder="optional" problem={problem} />
        {problem !== null && !FIELDS.includes(problem.field ?? "") && (
          <p class="problem" role="alert">
            {problem.text}
          </p>
        )}
        <div class="choices">
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" class="primary" disabled={busy}>
            {busy ? "Opening…" : "Open"}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

const FIELDS = ["command", "workingDir", "name"];

// Empty fields are left out: the server has the better defaults.
function read(fields: FormData): OpenSession {
  const text = (name: string) => String(fields.get(name) ?? "").trim();
  const wanted: OpenSession = {};
  const command = parseCommandLine(text("command"));
  if (command.length > 0) wanted.command = command;
  if (text("workingDir") !== "") wanted.workingDir = text("workingDir");
  if (text("name") !== "") wanted.name = text("name");
  return wanted;
}

function describe(error: unknown): Problem {
  if (error instanceof CommandLineError) return { field: "command", text: `Command: ${error.message}.` };
  // The server names a place inside the field, as in `command[0]`.
  if (error instanceof ApiError) {
    return { field: /^\w+/.exec(error.field ?? "")?.[0] ?? null, text: error.message };
  }
  return { field: null, text: error instanceof Error ? error.message : String(error) };
}

interface FieldProps {
  name: string;
  text: string;
  placeholder: string;
  problem: Problem | null;
  code?: boolean;
}

function Field({ name, text, placeholder, problem, code = false }: FieldProps) {
  const mine = problem?.field === name ? problem.text : null;
  return (
    <label>
      {text}
      <input
        name={name}
        class={code ? "code" : ""}
        placeholder={placeholder}
        autocomplete="off"
        autocapitalize="none"
        spellcheck={false}
        aria-invalid={mine !== null}
      />
      {mine !== null && (
        <span class="problem" role="alert">
          {mine}
        </span>
      )}
    </label>
  );
}
