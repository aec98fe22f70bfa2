import "leaflet/dist/leaflet.css";
import "./fonts.css";
import "./style.css";
import "./maps.css";
import "./search.css";
import "./scene.css";
import "./live.css";
import "./page.css";
import { render } from "preact";
import { useEffect } from "preact/hooks";
import { address, link } from "./address";
import { AlertsView } from "./alertsView";
import { api } from "./api";
import { CollectionView } from "./collectionView";
import { listen } from "./live";
import { LiveView } from "./liveView";
import { QuarantineView, ScenesView } from "./scenesView";
import { SceneView, TileView } from "./sceneView";
import { SearchView } from "./searchView";
import { session, Shell, SignIn, watchStation } from "./shell";
import { StationView } from "./stationView";

function App() {
  const allowed = session.value?.scope;
  useEffect(() => {
    if (!allowed || session.value?.engine) return;
    listen();
    watchStation();
  }, [allowed]);
  if (session.value === null)
    return (
      <main id="main" class="alone">
        <p class="empty">Connecting to the station…</p>
      </main>
    );
  if (!allowed) return <SignIn />;
  return (
    <Shell>
      <View />
    </Shell>
  );
}

function View() {
  const [view = "search", id] = address.value.path;
  if (view === "search") return <SearchView />;
  if (session.value?.engine) return view === "station" ? <CollectionView /> : <NoView />;
  if (view === "live") return <LiveView />;
  if (view === "alerts") return <AlertsView />;
  if (view === "scenes" && id) return <SceneView id={id} />;
  if (view === "scenes") return <ScenesView />;
  if (view === "tiles" && id && /^\d+$/.test(id)) return <TileView row={Number(id)} />;
  if (view === "quarantine") return <QuarantineView />;
  if (view === "station") return <StationView />;
  return <NoView />;
}

function NoView() {
  const engine = session.value?.engine;
  return (
    <main class="alone" id="main">
      <h1>No such page</h1>
      <p>
        {engine
          ? `${engine} is an engine: it has no pictures, alerts or events. `
          : "There is nothing at this address. "}
        <a href={link(["search"])}>Search</a>
      </p>
    </main>
  );
}

function ask(): void {
  api.session().then(
    (found) => (session.value = found),
    () => setTimeout(ask, 2_000),
  );
}

window.addEventListener("scenehash:signed-out", ask);
ask();
render(<App />, document.getElementById("app")!);
