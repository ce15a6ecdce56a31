// What the server is asked to do or to list, and what it refused: the same in every form and list.

import { useCallback, useEffect, useState } from "preact/hooks";

export function inWords(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

// One thing at a time. What is refused is kept until the next is tried.
export function useDoing() {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const run = async (what: () => Promise<void>) => {
    setBusy(true);
    setProblem(null);
    try {
      await what();
    } catch (error) {
      setProblem(inWords(error));
    } finally {
      setBusy(false);
    }
  };
  return { busy, problem, run };
}

// A list of the server's, read when it is shown and again when asked for. `load` must stay the same function.
export function useListed<T>(load: () => Promise<T[]>) {
  const [items, setItems] = useState<T[] | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const refresh = useCallback(async () => {
    try {
      setItems(await load());
      setProblem(null);
    } catch (error) {
      setProblem(inWords(error));
    }
  }, [load]);
  useEffect(() => void refresh(), [refresh]);
  return { items, problem, refresh };
}

export function Problem({ text }: { text: string | null }) {
  if (text === null) return null;
  return (
    <p class="problem" role="alert">
      {text}
    </p>
  );
}
