// The collection of an engine: what was pushed to it, and by which stations.

import { link } from "./address";
import { api } from "./api";
import { count, counted, timeText } from "./format";
import { useLoaded } from "./loaded";
import { session, useTitle } from "./shell";

const useCollection = () => useLoaded(session.value?.engine ?? null, (stop) => api.collection(stop));

/** Before anything is asked: what can be searched. */
export function CollectionIntro() {
  const { data, problem } = useCollection();
  if (problem)
    return (
      <p class="trouble" role="alert">
        {problem.message}
      </p>
    );
  if (!data) return <p class="empty">Asking the engine…</p>;
  const { stations, tiles, name } = data.engine;
  return (
    <>
      <h2>{counted(tiles, "tile")} to search</h2>
      <p class="prose">
        {counted(stations.length, "station")} pushed {stations.length === 1 ? "its" : "their"} codes to {name}
        : {stations.map((own) => own.name).join(", ")}. It has no pictures: a hit is named by its scene, and
        lies on the map. For its pixels ask the station.
      </p>
    </>
  );
}

export function CollectionView() {
  const { data, problem } = useCollection();
  useTitle("Station");
  return (
    <main class="page" id="main">
      <header class="head">
        <h1>Engine</h1>
        {data && (
          <p>
            {data.engine.name}, scenehash {data.version}, running since {timeText(data.started)}.
          </p>
        )}
      </header>
      {problem && (
        <p class="trouble" role="alert">
          {problem.message}
        </p>
      )}
      {!data && !problem && <p class="empty">Asking the engine…</p>}
      {data && (
        <>
          <section class="block two" aria-label="What it has">
            <div>
              <h2>Collection</h2>
              <dl class="facts">
                <dt>Address</dt>
                <dd>{data.engine.address}</dd>
                <dt>Holds</dt>
                <dd>{counted(data.engine.tiles, "tile")}</dd>
                <dt>Codes</dt>
                <dd>
                  {data.engine.bits} bits of {data.engine.model}
                </dd>
                <dt>Lineage</dt>
                <dd class="mono">{data.engine.lineage}</dd>
              </dl>
            </div>
            <div>
              <h2>Model</h2>
              <dl class="facts">
                <dt>Name</dt>
                <dd>{data.model.name}</dd>
                <dt>Fits</dt>
                <dd>
                  {data.model.fits
                    ? "it made these codes"
                    : "it did not make these codes: search with tiles and codes, not with images"}
                </dd>
              </dl>
            </div>
          </section>
          <div class="scroll">
            <table class="list">
              <thead>
                <tr>
                  <th scope="col">Station</th>
                  <th scope="col">Labels</th>
                  <th scope="col">Taken</th>
                  <th scope="col" class="number">
                    Scenes
                  </th>
                  <th scope="col" class="number">
                    Tiles
                  </th>
                </tr>
              </thead>
              <tbody>
                {data.engine.stations.map((own) => (
                  <tr key={own.name}>
                    <th scope="row">{own.name}</th>
                    <td class="labels">{own.labels.join(", ")}</td>
                    <td>{own.since ? `${timeText(own.since)} to ${timeText(own.until)}` : "no time"}</td>
                    <td class="number">{count(own.scenes)}</td>
                    <td class="number">{count(own.tiles)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
          <p>
            <a href={link(["search"])}>Search</a>
          </p>
        </>
      )}
    </main>
  );
}
