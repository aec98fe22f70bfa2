// Data that a view loads: what there is, what went wrong, whether more is on its way.

import { useEffect, useState } from "preact/hooks";
import { Problem } from "./api";

export interface Loaded<T> {
  data: T | null;
  problem: Problem | null;
  loading: boolean;
}

/** Milliseconds after which a station that did not answer is asked again. */
const RETRY = 3_000;

/**
 * Loads by a key, again when the key or `turn` changes; null loads nothing.
 *
 * While the next is on its way the last is shown; an answer that nobody waits for is dropped. Where
 * there is none, it asks again until there is: a view comes back with its station.
 */
export function useLoaded<T>(
  key: string | null,
  load: (signal: AbortSignal) => Promise<T>,
  turn = 0,
): Loaded<T> {
  const [loaded, set] = useState<Loaded<T>>({ data: null, problem: null, loading: key !== null });
  const [tries, again] = useState(0);
  useEffect(() => {
    if (key === null) {
      set({ data: null, problem: null, loading: false });
      return undefined;
    }
    const controller = new AbortController();
    let timer = 0;
    set((before) => ({ ...before, loading: true }));
    load(controller.signal).then(
      (data) => {
        if (!controller.signal.aborted) set({ data, problem: null, loading: false });
      },
      (error: unknown) => {
        if (controller.signal.aborted) return;
        const problem = problemOf(error);
        set({ data: null, problem, loading: false });
        if (problem.status === 0) timer = window.setTimeout(() => again((n) => n + 1), RETRY);
      },
    );
    return () => {
      controller.abort();
      clearTimeout(timer);
    };
  }, [key, turn, tries]);
  return loaded;
}

export function problemOf(error: unknown): Problem {
  return error instanceof Problem
    ? error
    : new Problem(0, String(error instanceof Error ? error.message : error));
}
