// The alerts of the station, shared by the feed and the watch list, and how a tile was judged.

import { signal } from "@preact/signals";
import { api, type Alert } from "./api";
import { problemOf } from "./loaded";
import { message } from "./shell";

export const alerts = signal<Alert[] | null>(null);
/** Alerts that the last rehash could not convert to the new codes. */
export const disabledAlerts = signal<Alert[]>([]);
export const alertsTrouble = signal("");

export async function loadAlerts(): Promise<void> {
  try {
    const found = await api.alerts();
    alerts.value = found.alerts;
    disabledAlerts.value = found.disabled;
    alertsTrouble.value = "";
  } catch (error) {
    alertsTrouble.value = problemOf(error).message;
  }
}

export type Verdict = "confirmed" | "rejected" | null;

/** What a person said about a tile that an alert matched. */
export function verdictOf(name: string, row: number): Verdict {
  const alert = alerts.value?.find((one) => one.name === name);
  if (alert?.examples.includes(`row:${row}`)) return "confirmed";
  if (alert?.negatives.includes(`row:${row}`)) return "rejected";
  return null;
}

export async function judge(name: string, row: number, verdict: "confirm" | "reject"): Promise<void> {
  try {
    replace(await api.judge(name, row, verdict));
    message.value =
      verdict === "confirm"
        ? `Tile ${row} is confirmed. It is now an example of ${name}.`
        : `Tile ${row} is rejected. It is now a negative example of ${name}.`;
  } catch (error) {
    message.value = problemOf(error).message;
  }
}

export function replace(alert: Alert): void {
  alerts.value = (alerts.value ?? []).map((one) => (one.name === alert.name ? alert : one));
}
