// The watch list: alerts, one of them with its radius and examples, and a search that becomes one.

import { useEffect, useState } from "preact/hooks";
import { address, go, link } from "./address";
import { api, type Alert, type Hit } from "./api";
import { agoText, count, counted } from "./format";
import { TileRow } from "./hits";
import { events } from "./live";
import { problemOf, useLoaded } from "./loaded";
import { queryName, QueryPicture, TilePicture } from "./pictures";
import { paramsOf, parsed, queryOf, searchOf, wholeOf } from "./query";
import { Expectation, RadiusChart } from "./radius";
import { expired, useSearch } from "./searching";
import { clock, may, message, useTitle } from "./shell";
import { alerts, alertsTrouble, loadAlerts, replace } from "./watchList";

/** Tiles that are shown on each side of a radius. */
const BESIDE = 8;
const LOOKED_AT = 200;

export function AlertsView() {
  useEffect(() => void loadAlerts(), []);
  const name = address.value.path[1];
  if (name === "new") return <NewAlert />;
  if (name !== undefined) return <OneAlert key={name} name={name} />;
  return <WatchList />;
}

function WatchList() {
  useTitle("Alerts");
  return (
    <main class="page" id="main">
      <header class="head">
        <h1>Watch list</h1>
        <p>
          A watch compares each new tile with these alerts. To add one, search for a tile of the kind, then
          choose <b>Make an alert</b>.
        </p>
      </header>
      {alertsTrouble.value && (
        <p class="trouble" role="alert">
          {alertsTrouble.value}
        </p>
      )}
      {alerts.value?.length === 0 && (
        <p class="empty">
          No alert yet. <a href={link(["search"])}>Search for what you want to hear of</a>.
        </p>
      )}
      {!!alerts.value?.length && (
        <div class="scroll">
          <table class="list">
            <thead>
              <tr>
                <th scope="col">Alert</th>
                <th scope="col">Examples</th>
                <th scope="col" class="number">
                  Radius
                </th>
                <th scope="col" class="number">
                  Not like
                </th>
                <th scope="col" class="number">
                  In the feed
                </th>
                <th scope="col">Last match</th>
              </tr>
            </thead>
            <tbody>
              {alerts.value.map((alert) => {
                const found = events.value.filter((event) =>
                  (event.alerts ?? event.tile?.alerts ?? []).some((one) => one.name === alert.name),
                );
                return (
                  <tr key={alert.name}>
                    <th scope="row">
                      <a href={link(["alerts", alert.name])}>{alert.name}</a>
                    </th>
                    <td>
                      <ul class="thumbs">
                        {alert.examples.slice(0, 6).map((text) => (
                          <li key={text}>
                            <ExamplePicture text={text} size={64} />
                          </li>
                        ))}
                        {alert.examples.length > 6 && <li class="rest">+{alert.examples.length - 6}</li>}
                      </ul>
                    </td>
                    <td class="number">{alert.radius}</td>
                    <td class="number">{count(alert.negatives.length)}</td>
                    <td class="number">
                      <a href={link(["live"], { alert: alert.name })}>{count(found.length)}</a>
                    </td>
                    <td>{found[0]?.at ? agoText(found[0].at, clock.value) : "none"}</td>
                  </tr>
                );
              })}
            </tbody>
          </table>
        </div>
      )}
    </main>
  );
}

function OneAlert({ name }: { name: string }) {
  const { params } = address.value;
  const label = params.get("label") ?? "";
  const alert = alerts.value?.find((one) => one.name === name) ?? null;
  const key = alert && `${name} ${label} ${alert.examples.join()} ${alert.negatives.join()}`;
  const test = useLoaded(key, (stop) => api.testAlert(name, label || undefined, stop));
  const labels = useLoaded("labels", (stop) => api.labels(stop));
  const [asking, setAsking] = useState(false);
  useTitle(`Alert ${name}`);

  if (alerts.value && !alert) {
    return (
      <main class="page" id="main">
        <h1>{name}</h1>
        <p class="trouble" role="alert">
          There is no alert of this name. <a href={link(["alerts"])}>The watch list</a>
        </p>
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
  const chosen = wholeOf(params.get("radius")) ?? alert.radius;
  const save = async (): Promise<void> => {
    try {
      replace(await api.setRadius(name, chosen));
      show("radius", "");
      message.value = `${name}: the radius is ${counted(chosen, "bit")} now.`;
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
          A new tile matches when its nearest example is at most {counted(alert.radius, "bit")} away, and no
          tile of “not like” is as near.
        </p>
      </header>
      <section class="block" aria-label="Radius">
        <h2>What each radius would have matched</h2>
        {test.problem && (
          <p class="trouble" role="alert">
            {test.problem.message}
          </p>
        )}
        {test.data && (
          <>
            <RadiusChart test={test.data} radius={chosen} onChange={(n) => show("radius", String(n))} />
            <Expectation test={test.data} radius={chosen} />
          </>
        )}
        {!test.data && test.loading && <p class="empty">Comparing with the stored tiles…</p>}
        <div class="actions">
          {may("write") && (
            <button
              type="button"
              class="primary"
              disabled={chosen === alert.radius}
              onClick={() => void save()}
            >
              {chosen === alert.radius ? `Radius ${alert.radius}` : `Set the radius to ${chosen}`}
            </button>
          )}
          <label class="inline">
            Scenes with the label
            <select value={label} onChange={(event) => show("label", event.currentTarget.value)}>
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
        <ul class="grid">
          {alert.examples.map((text) => (
            <li class="hit" key={text}>
              <ExamplePicture text={text} size={256} />
              <p class="name" title={text}>
                {exampleName(text)}
              </p>
            </li>
          ))}
        </ul>
        {alert.negatives.length > 0 && (
          <>
            <h2>Not like {counted(alert.negatives.length, "tile")}</h2>
            <ul class="grid">
              {alert.negatives.map((text) => (
                <li class="hit not" key={text}>
                  <ExamplePicture text={text} size={256} />
                  <p class="name" title={text}>
                    {exampleName(text)}
                  </p>
                </li>
              ))}
            </ul>
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

/** A search becomes an alert: its examples, a name, and a radius chosen on what is stored. */
function NewAlert() {
  const { params } = address.value;
  const search = searchOf(params);
  const [name, setName] = useState("");
  const [trouble, setTrouble] = useState("");
  const examples = search.like.map((text) => queryOf(text, expired.value));
  const not = search.unlike.map((text) => queryOf(text, expired.value));
  const near = paramsOf({
    ...searchOf(new URLSearchParams()),
    like: search.like,
    unlike: search.unlike,
    k: LOOKED_AT,
    rerank: "none",
  });
  const test = useLoaded(examples.length ? near.toString() : null, (stop) =>
    api.tryAlert({ examples, not }, stop),
  );
  const { data: result } = useSearch(near);
  useTitle("New alert");

  const radius = search.radius ?? test.data?.proposed ?? 8;
  const within = result?.hits.filter((hit) => hit.distance <= radius) ?? [];
  const beyond = result?.hits.filter((hit) => hit.distance > radius) ?? [];
  const add = async (event: Event): Promise<void> => {
    event.preventDefault();
    setTrouble("");
    try {
      const alert = await api.addAlert({ name: name.trim(), examples, not, radius });
      await loadAlerts();
      message.value = `${alert.name} is on the watch list. A running watch uses it for its next scene.`;
      go(link(["alerts", alert.name]));
    } catch (error) {
      setTrouble(problemOf(error).message);
    }
  };
  if (!examples.length) {
    return (
      <main class="page" id="main">
        <h1>New alert</h1>
        <p class="empty">
          An alert is made of a search. <a href={link(["search"])}>Search for a tile of the kind first.</a>
        </p>
      </main>
    );
  }
  return (
    <main class="page" id="main">
      <header class="head">
        <p class="crumb">
          <a href={link(["search"], paramsOf(search))}>The search</a>
        </p>
        <h1>New alert</h1>
        <p>
          Be told when a new tile is like these. The filters of the search do not count: a new scene may be
          anywhere.
        </p>
      </header>
      <section class="block" aria-label="Examples">
        <ul class="thumbs large">
          {search.like.map((text, i) => (
            <li key={text}>
              <QueryPicture text={text} code={result?.queries[i]?.codes[0] ?? null} size={160} />
              <span class="note">{queryName(text)}</span>
            </li>
          ))}
          {search.unlike.map((text, i) => (
            <li key={text} class="not">
              <QueryPicture text={text} code={result?.not[i]?.codes[0] ?? null} size={160} />
              <span class="note">not {queryName(text)}</span>
            </li>
          ))}
        </ul>
      </section>
      <section class="block" aria-label="Radius">
        <h2>Radius</h2>
        {test.problem && (
          <p class="trouble" role="alert">
            {test.problem.message}
          </p>
        )}
        {test.data && (
          <>
            <RadiusChart test={test.data} radius={radius} onChange={(n) => show("radius", String(n))} />
            <Expectation test={test.data} radius={radius} />
          </>
        )}
        {result && (
          <div class="border">
            <div>
              <h3>The last within</h3>
              <TileRow hits={within.slice(-BESIDE)} link={tileLink} none="nothing stored is so near" />
            </div>
            <div>
              <h3>The first beyond</h3>
              <TileRow
                hits={beyond.slice(0, BESIDE)}
                link={tileLink}
                none={result.hits.length ? `beyond the nearest ${LOOKED_AT} tiles` : "nothing"}
              />
            </div>
          </div>
        )}
      </section>
      <form class="block name" onSubmit={(event) => void add(event)}>
        <label>
          Name{" "}
          <input
            type="text"
            required
            maxLength={80}
            value={name}
            placeholder="such as: quay"
            onInput={(event) => setName(event.currentTarget.value)}
          />
        </label>
        <button class="primary" type="submit" disabled={!may("write") || !name.trim()}>
          Add to the watch list
        </button>
        {!may("write") && <p class="note">Your token may not add alerts.</p>}
        {trouble && (
          <p class="trouble" role="alert">
            {trouble}
          </p>
        )}
      </form>
    </main>
  );
}

/** Changes what is shown without a step in the browser's history. */
function show(name: string, value: string): void {
  const { path, params } = address.value;
  const next = new URLSearchParams(params);
  if (value) next.set(name, value);
  else next.delete(name);
  go(link(path, next), "replace");
}

const tileLink = (hit: Hit): string => link(["tiles", String(hit.row)]);

function ExamplePicture({ text, size }: { text: string; size: number }) {
  const { kind, value } = parsed(text);
  if (kind === "row") return <TilePicture row={Number(value)} alt={text} size={size} />;
  if (kind === "code") return <QueryPicture text={text} code={value} size={size} />;
  return <FilePicture path={text} size={size} />;
}

/** An example that was given as a file: its picture where that file is a stored scene, too. */
function FilePicture({ path, size }: { path: string; size: number }) {
  const found = useLoaded(path, (stop) => api.scenes({ scene: path, limit: 1 }, stop));
  const scene = found.data?.scenes[0];
  if (scene?.tiles === 1) return <TilePicture row={scene.rows[0]} alt={path} size={size} />;
  return (
    <span class="gone" role="img" aria-label={path} title={path}>
      file
    </span>
  );
}

function exampleName(text: string): string {
  const { kind, value } = parsed(text);
  if (kind === "row") return `tile ${value}`;
  return kind === "code" ? `code ${value.slice(0, 8)}…` : text.slice(text.lastIndexOf("/") + 1);
}

/** The examples that a search can take: a file that one was made of may be anywhere. */
function searchable(texts: Alert["examples"]): string[] {
  return texts.filter((text) => ["row", "code"].includes(parsed(text).kind));
}
