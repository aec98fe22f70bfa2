// A search becomes an alert: its examples, a name, and what decides, chosen on what is stored.

import { useState } from "preact/hooks";
import { address, go, link } from "./address";
import { api, type Hit } from "./api";
import { Decide, decisionOf } from "./decide";
import { TileRow } from "./hits";
import { problemOf, useLoaded } from "./loaded";
import { queryName, QueryPicture } from "./pictures";
import { paramsOf, queryOf, searchOf } from "./query";
import { expired, useSearch } from "./searching";
import { may, message, useTitle } from "./shell";
import { Trouble } from "./trouble";
import { loadAlerts } from "./watchList";

/** Tiles that are shown on each side of a radius. */
const BESIDE = 8;
const LOOKED_AT = 200;

const tileLink = (hit: Hit): string => link(["tiles", String(hit.row)]);

export function NewAlert() {
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
  const asked = decisionOf(params);
  const rate = asked && "false_alarms" in asked ? asked : {};
  const key = examples.length ? `${near} ${JSON.stringify(rate)}` : null;
  const test = useLoaded(key, (stop) => api.tryAlert({ examples, not, ...rate }, stop));
  const { data: result } = useSearch(near);
  useTitle("New alert");

  // Null until the station has proposed a radius.
  const decision = asked ?? (test.data ? { radius: test.data.proposed } : null);
  const radius = decision && "radius" in decision ? decision.radius : null;
  const within = result?.hits.filter((hit) => hit.distance <= (radius ?? 0)) ?? [];
  const beyond = result?.hits.filter((hit) => hit.distance > (radius ?? 0)) ?? [];
  // Where more tiles than were looked at are within, its border is not among them.
  const reaches = beyond.length > 0 || (result?.hits.length ?? 0) < LOOKED_AT;
  const add = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (!decision) {
      return;
    }
    setTrouble("");
    try {
      const alert = await api.addAlert({ name: name.trim(), examples, not, ...decision });
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
          An alert starts from a search. <a href={link(["search"])}>Search for a tile of the kind first.</a>
        </p>
      </main>
    );
  }
  return (
    <main class="page" id="main">
      <header class="head">
        <p class="crumb">
          <a href={link(["search"], paramsOf(search))}>Back to the search</a>
        </p>
        <h1>New alert</h1>
        <p>
          The alert reports new tiles that are like these examples. It does not use the filters of the search.
        </p>
      </header>
      <section class="block" aria-label="Examples">
        <ul class="thumbs large">
          {search.like.map((text, i) => (
            <li key={text}>
              <QueryPicture text={text} asked={result?.queries[i]} size={160} />
              <span class="note">{queryName(text)}</span>
            </li>
          ))}
          {search.unlike.map((text, i) => (
            <li key={text} class="not">
              <QueryPicture text={text} asked={result?.not[i]} size={160} />
              <span class="note">not like {queryName(text)}</span>
            </li>
          ))}
        </ul>
      </section>
      <section class="block" aria-label="What decides">
        <h2>What decides</h2>
        <Decide test={test} decision={decision} alert={null} />
        {result && radius !== null && (
          <div class="border">
            <div>
              <h3>{reaches ? "Last tiles within" : `Last of the nearest ${LOOKED_AT} tiles`}</h3>
              <TileRow hits={within.slice(-BESIDE)} link={tileLink} none="no stored tile is this near" />
            </div>
            <div>
              <h3>First tiles beyond</h3>
              <TileRow
                hits={beyond.slice(0, BESIDE)}
                link={tileLink}
                none={result.hits.length ? `beyond the nearest ${LOOKED_AT} tiles` : "none"}
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
        <button class="primary" type="submit" disabled={!may("write") || !name.trim() || !decision}>
          Add to the watch list
        </button>
        {!may("write") && <p class="note">Your token cannot add alerts: it needs the scope write.</p>}
        <Trouble>{trouble}</Trouble>
      </form>
    </main>
  );
}
