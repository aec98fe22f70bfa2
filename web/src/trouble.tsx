// A line about what went wrong, read out at once by screen readers.

import type { ComponentChildren } from "preact";
import type { Problem } from "./api";

/** Nothing where there is nothing to say. */
export function Trouble({ problem, children }: { problem?: Problem | null; children?: ComponentChildren }) {
  const said = problem ? problem.message : children;
  return said ? (
    <p class="trouble" role="alert">
      {said}
    </p>
  ) : null;
}
