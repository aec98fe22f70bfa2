// One alert: what decides, its examples, and what was rejected.

import { useState } from "preact/hooks";
import { address, go, link, show } from "./address";
import { api, type Decision } from "./api";
import { choiceText, Decide, decisionOf } from "./decide";
import { ExamplePicture, exampleName, searchable } from "./examplePicture";
import { counted } from "./format";
import { events } from "./live";
import { problemOf, useLoaded } from "./loaded";
import { paramsOf, searchOf } from "./query";
import { decisionText } from "./rate";
import { may, message, useTitle } from "./shell";
import { Trouble } from "./trouble";
import { alerts, alertsTrouble, loadAlerts, replace } from "./watchList";

export function AlertView({ name }: { name: string }) {
  const { params } = address.value;
  const label = params.get("label") ?? "";
  const alert = alerts.value?.find((one) => one.name === name) ?? null;
  const key = alert && JSON.stringify([label, alert]);
  const test = useLoaded(key, (stop) => api.testAlert(name, label || undefined, stop));
  const labels = useLoaded("labels", (stop) => api.labels(stop));
  const [asking, setAsking] = useState(false);
  useTitle(`Alert ${name}`);

  if (alerts.value && !alert) {
    return (
      <main class="page" id="main">
        <h1>{name}</h1>
        <Trouble>
          No alert has this name. <a href={link(["alerts"])}>The watch list</a>
        </Trouble>
      </main>
    );
  }
  if (!alert)
    return (
      <main class="page" id="main">
        <h1>{name}</h1>
        <p class="empty">{alertsTrouble.value || "Loading…"}</p>
      </main>
    );
  const own: Decision = alert.rule ? { false_alarms: alert.rule.asked } : { radius: alert.radius };
  const chosen = decisionOf(params) ?? own;
  const changed = JSON.stringify(chosen) !== JSON.stringify(own);
  const save = async (): Promise<void> => {
    try {
      const decided = await api.decide(name, chosen);
      replace(decided);
      show({ radius: "", rate: "" });
      message.value = `${name} now decides by ${decisionText(decided)}.`;
    } catch (error) {
      message.value = problemOf(error).message;
    }
  };
  const remove = async (): Promise<void> => {
    try {
      await api.removeAlert(name);
      message.value = `${name} is removed.`;
      await loadAlerts();
      go(link(["alerts"]));
    } catch (error) {
      message.value = problemOf(error).message;
    }
  };
  const queries = searchable(alert.examples);
  const found = events.value.filter((event) =>
    (event.alerts ?? event.tile?.alerts ?? []).some((one) => one.name === name),
  );

  return (
    <main class="page" id="main">
      <header class="head">
        <p class="crumb">
          <a href={link(["alerts"])}>Watch list</a>
        </p>
        <h1>{name}</h1>
        <p>
          {alert.rule
            ? `A rule decides, which was chosen for ${decisionText(alert)}.`
            : `A new tile matches if its nearest example is at most ${counted(alert.radius, "bit")} away, and no negative example is as near.`}
        </p>
      </header>
      <section class="block" aria-label="What decides">
        <h2>What decides</h2>
        <Decide test={test} decision={chosen} alert={alert} />
        <div class="actions">
          {may("write") && changed && (
            <button type="button" class="primary" onClick={() => void save()}>
              Decide by {choiceText(chosen)}
            </button>
          )}
          <label class="inline">
            Scenes with the label
            <select value={label} onChange={(event) => show({ label: event.currentTarget.value })}>
              <option value="">not known</option>
              {labels.data?.labels.map((one) => (
                <option value={one.label}>{one.label}</option>
              ))}
            </select>{" "}
            are of the kind
          </label>
        </div>
      </section>
      <section class="block" aria-label="Examples">
        <h2>{counted(alert.examples.length, "example")}</h2>
        <Pictures texts={alert.examples} kind="hit" />
        {alert.negatives.length > 0 && (
          <>
            <h2>Not like {counted(alert.negatives.length, "tile")}</h2>
            <Pictures texts={alert.negatives} kind="hit not" />
          </>
        )}
      </section>
      <section class="block" aria-label="Actions">
        <div class="actions">
          {queries.length > 0 && (
            <a
              class="button"
              href={link(
                ["search"],
                paramsOf({
                  ...searchOf(new URLSearchParams()),
                  like: queries,
                  unlike: searchable(alert.negatives),
                  radius: alert.radius,
                  k: 100,
                }),
              )}
            >
              Search with its examples
            </a>
          )}
          <a class="button" href={link(["live"], { alert: name })}>
            {counted(found.length, "event")} in the feed
          </a>
          {may("write") && !asking && (
            <button type="button" class="danger" onClick={() => setAsking(true)}>
              Remove the alert
            </button>
          )}
          {asking && (
            <span class="ask" role="alert">
              Remove {name} and its judgements?{" "}
              <button type="button" class="danger" onClick={() => void remove()}>
                Remove
              </button>{" "}
              <button type="button" onClick={() => setAsking(false)}>
                Keep
              </button>
            </span>
          )}
        </div>
      </section>
    </main>
  );
}

function Pictures({ texts, kind }: { texts: string[]; kind: string }) {
  return (
    <ul class="grid">
      {texts.map((text) => (
        <li class={kind} key={text}>
          <ExamplePicture text={text} size={256} />
          <p class="name" title={text}>
            {exampleName(text)}
          </p>
        </li>
      ))}
    </ul>
  );
}
