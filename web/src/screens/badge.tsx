// The state of the connection in one word, and what that word is for each state.

import { useEffect, useReducer } from "preact/hooks";
import type { Attached } from "../terminal/attached";
import type { Phase } from "../wire/connection";

export type State =
  | "connecting"
  | "live"
  | "view-only"
  | "reconnecting"
  | "draining"
  | "ended"
  | "closed"
  | "refused";

export function stateOf(phase: Phase, exited: boolean): State {
  switch (phase.name) {
    case "connecting":
      return phase.again ? "reconnecting" : "connecting";
    case "waiting":
      return "reconnecting";
    case "live":
      if (exited) return "ended";
      return phase.access === "view" ? "view-only" : "live";
    default:
      return phase.name;
  }
}

const WORDS: Record<State, string> = {
  connecting: "connecting…",
  live: "live",
  "view-only": "view only",
  reconnecting: "reconnecting…",
  draining: "server is leaving",
  ended: "ended",
  closed: "closed",
  refused: "stopped",
};

export function Badge({ attached }: { attached: Attached }) {
  const phase = attached.phaseNow.value;
  const state = stateOf(phase, attached.exited.value !== null);
  const left = useCountdown(phase.name === "waiting" ? phase.until : null);
  const words = left === null ? WORDS[state] : `reconnecting in ${left} s`;
  return (
    <span class={`badge ${state}`} role="status" title={phase.name === "waiting" ? phase.why : undefined}>
      {words}
    </span>
  );
}

// Whole seconds until `until`, or null when it is not worth a number.
function useCountdown(until: number | null): number | null {
  const [, lookAgain] = useReducer((looks: number) => looks + 1, 0);
  useEffect(() => {
    if (until === null) return;
    const timer = setInterval(lookAgain, 250);
    return () => clearInterval(timer);
  }, [until]);
  // By the clock as it is when this is shown: a time kept from the last tick may be that of an earlier wait.
  const left = until === null ? 0 : Math.ceil((until - Date.now()) / 1000);
  return left >= 1 ? left : null;
}
