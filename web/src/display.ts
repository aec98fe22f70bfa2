// How the page is shown: light, dark, or as a dim wall screen. The choice is kept in this browser.

import { effect, signal } from "@preact/signals";

export const DISPLAYS = ["system", "light", "dark", "wall"] as const;
export type Display = (typeof DISPLAYS)[number];

export const DISPLAY_NAMES: Record<Display, string> = {
  system: "System",
  light: "Light",
  dark: "Dark",
  wall: "Wall screen",
};

const KEY = "scenehash.display";
const dark = matchMedia("(prefers-color-scheme: dark)");
const systemIsDark = signal(dark.matches);
dark.addEventListener("change", () => (systemIsDark.value = dark.matches));

export const display = signal<Display>(stored());
/** The theme in force; what is painted on a canvas follows it. */
export const theme = signal<Exclude<Display, "system">>("light");

effect(() => {
  const chosen = display.value;
  theme.value = chosen === "system" ? (systemIsDark.value ? "dark" : "light") : chosen;
  document.documentElement.dataset["theme"] = theme.value;
  keep(KEY, chosen);
});

const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
/** What moves on a map, for Leaflet: nothing where people have asked for that. */
export const MOTION = {
  zoomAnimation: !still,
  markerZoomAnimation: !still,
  fadeAnimation: false,
  inertia: !still,
};

/** Whether single keys act on the page (WCAG 2.1.4 wants a way to turn them off). */
export const singleKeys = signal(remembered("scenehash.keys") !== "off");
effect(() => keep("scenehash.keys", singleKeys.value ? "on" : "off"));

function stored(): Display {
  const value = remembered(KEY);
  return DISPLAYS.find((one) => one === value) ?? "system";
}

/** A browser may refuse to keep anything; the page works without. */
export function remembered(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

export function keep(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // Nothing depends on it.
  }
}
