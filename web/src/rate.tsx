// A false alarm rate: so many in a time, or among tiles.

import type { AlertRule, AlertTest } from "./api";
import { count, counted } from "./format";
import { events } from "./live";
import { alarms, arrivals } from "./radius";
import { TextField } from "./textField";

const PER = { "1000": "in 1,000 tiles", day: "a day", week: "a week", month: "a month" } as const;
const RATE = /^(\d{1,9}(?:\.\d{1,9})?)\/(1000|day|week|month)$/;
export const FIRST_RATE = "5/1000";

/** The rate as the API takes it, such as 5/1000 or 1/day; null where a text is none. */
export function rateOf(text: string | null): string | null {
  return text !== null && RATE.test(text) && !text.startsWith("0/") ? text : null;
}

export function RateField({ rate, onChange }: { rate: string; onChange(rate: string): void }) {
  const [, alarms = "5", per = "1000"] = RATE.exec(rate) ?? [];
  return (
    <span class="rate">
      <TextField
        decimal
        name="False alarms"
        value={alarms}
        onDone={(text) => {
          const next = rateOf(`${text}/${per}`);
          if (next) onChange(next);
          return next !== null;
        }}
      />
      <span>false alarms</span>
      <select
        aria-label="Per"
        value={per}
        onChange={(event) => onChange(`${alarms}/${event.currentTarget.value}`)}
      >
        {Object.entries(PER).map(([value, name]) => (
          <option key={value} value={value}>
            {name}
          </option>
        ))}
      </select>
    </span>
  );
}

/** What is to be expected of a rule, and what it matches of what is stored. */
export function RuleText({ rule, measured }: { rule: AlertRule; measured: AlertTest["measured"] | null }) {
  const arriving = arrivals(events.value);
  return (
    <p class="expectation" role="status">
      Expect <b>{perThousand(rule.false_alarms_per_1000)}</b> false alarms in 1,000 tiles
      {arriving !== null && (
        <>
          {" "}
          ({alarms((rule.false_alarms_per_1000 * arriving) / 1000)}, at {count(Math.round(arriving))} tiles a
          day)
        </>
      )}
      {rule.recall !== null && (
        <>
          , and <b>{Math.round(100 * rule.recall)} %</b> of the kind found
        </>
      )}
      . {KINDS[rule.kind]?.(rule.of)}. It was fitted on {counted(rule.tiles, "stored tile")}.
      {measured && (
        <>
          {" "}
          Among the stored tiles that are not examples, it would have matched <b>{count(measured.matches)}</b>
          .
        </>
      )}
      {!rule.fitted && " The examples have changed since: the radius decides until the rule is fitted again."}
    </p>
  );
}

/** What a rule does with codes, or with representations. */
const KINDS: Record<string, (of: string) => string> = {
  nearest: (of) => `The rule compares ${of} with those of the nearest example`,
  centroid: (of) => `The rule compares ${of} with the centroid of the examples`,
  linear: (of) => `The rule is a linear classifier of ${of}`,
};

export const perThousand = (n: number): string =>
  n < 10 ? String(Math.round(10 * n) / 10) : count(Math.round(n));

/** A rate in words: 5/1000 is 5 false alarms in 1,000 tiles, 1/day is 1 false alarm a day. */
export function rateText(rate: string): string {
  const [alarms = "", per = ""] = rate.split("/");
  const noun = Number(alarms) === 1 ? "false alarm" : "false alarms";
  return /^\d+$/.test(per)
    ? `${alarms} ${noun} in ${count(Number(per))} tiles`
    : `${alarms} ${noun} a ${per}`;
}

/** How an alert decides, in a few words. */
export function decisionText({ rule, radius }: { rule: AlertRule | null; radius: number }): string {
  return rule ? rateText(rule.asked) : counted(radius, "bit");
}
