// What decides whether an alert matches a tile: a radius, or a rule for a false alarm rate.

import { show } from "./address";
import type { Alert, AlertTest, Decision } from "./api";
import { counted } from "./format";
import type { Loaded } from "./loaded";
import { wholeOf } from "./query";
import { decisionText, FIRST_RATE, RateField, rateOf, rateText, RuleText } from "./rate";
import { Expectation, RadiusChart } from "./radius";
import { Trouble } from "./trouble";

/** What an address asks for: ?radius=9 or ?rate=5/1000. */
export function decisionOf(params: URLSearchParams): Decision | null {
  const rate = rateOf(params.get("rate"));
  const radius = wholeOf(params.get("radius"));
  return rate ? { false_alarms: rate } : radius === null ? null : { radius };
}

export function choiceText(decision: Decision): string {
  return "radius" in decision
    ? `a radius of ${counted(decision.radius, "bit")}`
    : rateText(decision.false_alarms);
}

interface Props {
  test: Loaded<AlertTest>;
  /** Null until it is known. */
  decision: Decision | null;
  /** The alert that there is; null for one that is to be. */
  alert: Alert | null;
}

export function Decide({ test, decision, alert }: Props) {
  const rate = decision && "false_alarms" in decision ? decision.false_alarms : null;
  const radius = decision && "radius" in decision ? decision.radius : null;
  const byRate = rate !== null;
  const { data, problem, loading } = test;
  // A rule that is only asked for is not fitted yet: the test of an alert is of the rule that it has.
  const rule = byRate
    ? alert
      ? rate === alert.rule?.asked
        ? alert.rule
        : null
      : (data?.rule ?? null)
    : null;
  return (
    <>
      <div class="segments" role="group" aria-label="What decides">
        <button
          type="button"
          aria-pressed={!byRate}
          onClick={() => show({ rate: "", radius: String(alert?.radius ?? data?.proposed ?? "") })}
        >
          A radius
        </button>
        <button
          type="button"
          aria-pressed={byRate}
          onClick={() => show({ rate: alert?.rule?.asked ?? FIRST_RATE, radius: "" })}
        >
          A false alarm rate
        </button>
      </div>
      <Trouble problem={problem} />
      {byRate && <RateField rate={rate} onChange={(asked) => show({ rate: asked, radius: "" })} />}
      {byRate && rule && <RuleText rule={rule} measured={data?.measured ?? null} />}
      {byRate && alert && !rule && (
        <p class="note">
          The rule is chosen when you save it{" "}
          {alert.rule && `; until then the rule for ${decisionText(alert)} decides`}.
        </p>
      )}
      {radius !== null && data && (
        <>
          <RadiusChart test={data} radius={radius} onChange={(n) => show({ radius: String(n), rate: "" })} />
          <Expectation test={data} radius={radius} />
        </>
      )}
      {!data && loading && <p class="empty">Comparing with the stored tiles…</p>}
    </>
  );
}
