// The collection of an engine: what was pushed to it, and by which stations.

import { link } from "./address";
import { api } from "./api";
import { Facts, ModelFacts } from "./facts";
import { count, counted, timeText } from "./format";
import { ListTable } from "./listTable";
import { useLoaded } from "./loaded";
import { session, useTitle } from "./shell";
import { Trouble } from "./trouble";

const useCollection = () => useLoaded(session.value?.engine ?? null, (stop) => api.collection(stop));

/** Before anything is asked: what can be searched. */
export function CollectionIntro() {
  const { data, problem } = useCollection();
  if (problem) return <Trouble problem={problem} />;
  if (!data) return <p class="empty">Asking the engine…</p>;
  const { stations, tiles, name } = data.engine;
  return (
    <>
      <h2>{counted(tiles, "tile")} to search</h2>
      <p class="prose">
        {counted(stations.length, "station")} pushed {stations.length === 1 ? "its" : "their"} codes to {name}
        : {stations.map((own) => own.name).join(", ")}. An engine has no pictures: a hit has the name of its
        scene, and its place on the map. The pictures are on the page of its station.
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
      <Trouble problem={problem} />
      {!data && !problem && <p class="empty">Asking the engine…</p>}
      {data && (
        <>
          <section class="block two" aria-label="What it has">
            <div>
              <h2>Collection</h2>
              <Facts
                facts={[
                  ["Address", data.engine.address],
                  ["Holds", counted(data.engine.tiles, "tile")],
                  ["Codes", `${data.engine.bits} bits of ${data.engine.model}`],
                  ["Lineage", data.engine.lineage, "mono"],
                ]}
              />
            </div>
            <div>
              <ModelFacts
                model={data.model}
                fits="yes: it made these codes"
                otherwise="no: another model made these codes; search with tiles and codes, not with images"
              />
            </div>
          </section>
          <ListTable columns={["Station", "Labels", "Taken", { number: "Scenes" }, { number: "Tiles" }]}>
            {data.engine.stations.map((own) => (
              <tr key={own.name}>
                <th scope="row">{own.name}</th>
                <td class="labels">{own.labels.join(", ")}</td>
                <td>{own.since ? `${timeText(own.since)} to ${timeText(own.until)}` : "no time"}</td>
                <td class="number">{count(own.scenes)}</td>
                <td class="number">{count(own.tiles)}</td>
              </tr>
            ))}
          </ListTable>
          <p>
            <a href={link(["search"])}>Search</a>
          </p>
        </>
      )}
    </main>
  );
}
