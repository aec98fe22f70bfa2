// The scenes of the store, page by page, and those that were set aside.

import { useEffect, useState } from "preact/hooks";
import { address, go, link } from "./address";
import { api, type Job, type Scene, type SetAside } from "./api";
import { DayField } from "./dayField";
import { FileName } from "./fileName";
import { count, counted, named, timeText } from "./format";
import { boxText } from "./geo";
import { followed, progressText } from "./jobs";
import { ListTable } from "./listTable";
import { problemOf, useLoaded } from "./loaded";
import { TilePicture } from "./pictures";
import { endOf } from "./query";
import { may, message, session, station, useTitle } from "./shell";
import { TextField } from "./textField";
import { Trouble } from "./trouble";

const PAGE = 100;

export function ScenesView() {
  const { params } = address.value;
  const until = params.get("until");
  const values = {
    ...Object.fromEntries(
      ["label", "since", "scene", "bbox", "order"].map((name) => [name, params.get(name)]),
    ),
    until: until && endOf(until),
  };
  const [more, setMore] = useState<Scene[]>([]);
  const [next, setNext] = useState<number | null>(null);
  const [loading, setLoading] = useState(false);
  const key = JSON.stringify(values);
  const [turn, setTurn] = useState(0);
  const first = useLoaded(key, (stop) => api.scenes({ ...values, limit: PAGE }, stop), turn);
  const labels = useLoaded("labels", (stop) => api.labels(stop));
  useTitle("Scenes");
  useEffect(() => {
    setMore([]);
    setNext(first.data?.next ?? null);
  }, [first.data]);

  const set = (name: string, value: string): void => {
    const changed = new URLSearchParams(params);
    if (value) changed.set(name, value);
    else changed.delete(name);
    go(link(["scenes"], changed));
  };
  const load = async (): Promise<void> => {
    setLoading(true);
    try {
      const page = await api.scenes({ ...values, limit: PAGE, after: next });
      setMore([...more, ...page.scenes]);
      setNext(page.next);
    } catch (error) {
      message.value = problemOf(error).message;
    }
    setLoading(false);
  };
  const scenes = [...(first.data?.scenes ?? []), ...more];

  return (
    <main class="page" id="main">
      <header class="head">
        <h1>Scenes</h1>
        <p>
          {station.value
            ? `${counted(station.value.store.scenes, "scene")}, ${counted(station.value.store.tiles, "tile")} in the store.`
            : " "}
        </p>
      </header>
      <div class="tools">
        <label>
          Label
          <select
            value={params.get("label") ?? ""}
            onChange={(event) => set("label", event.currentTarget.value)}
          >
            <option value="">any</option>
            {labels.data?.labels.map((one) => (
              <option value={one.label}>{`${one.label} (${one.scenes})`}</option>
            ))}
          </select>
        </label>
        <DayField name="Since" value={params.get("since") ?? ""} onChange={(day) => set("since", day)} />
        <DayField name="Until" value={params.get("until") ?? ""} onChange={(day) => set("until", day)} />
        <label>
          Name{" "}
          <TextField
            value={params.get("scene") ?? ""}
            placeholder="end of the path"
            onDone={(scene) => set("scene", scene)}
          />
        </label>
        <label>
          Order
          <select
            value={params.get("order") ?? ""}
            onChange={(event) => set("order", event.currentTarget.value)}
          >
            <option value="">newest stored first</option>
            <option value="oldest">oldest stored first</option>
          </select>
        </label>
        {session.value?.accepts_scenes && may("write") && <AddScenes onAdded={() => setTurn((n) => n + 1)} />}
      </div>
      <Trouble problem={first.problem} />
      {first.data && scenes.length === 0 && <p class="empty">No scene matches the filters.</p>}
      {scenes.length > 0 && (
        <ListTable
          columns={[{ hidden: "Picture" }, "Scene", "Taken", "Place", "Labels", { number: "Tiles" }]}
        >
          {scenes.map((scene) => (
            <tr key={scene.id}>
              <td class="picture">
                <a href={link(["scenes", scene.id])} tabIndex={-1} aria-hidden="true">
                  <TilePicture row={scene.rows[0]} alt="" size={96} />
                </a>
              </td>
              <th scope="row">
                <a href={link(["scenes", scene.id])}>
                  <FileName name={named(scene.path)} />
                </a>
                <span class="path">
                  <FileName name={folder(scene.path)} />
                </span>
              </th>
              <td class="when">{timeText(scene.time)}</td>
              <td class="when">{boxText(scene.bbox)}</td>
              <td class="labels">{scene.labels.join(", ")}</td>
              <td class="number">{count(scene.tiles)}</td>
            </tr>
          ))}
        </ListTable>
      )}
      {next !== null && (
        <button type="button" class="older" disabled={loading} onClick={() => void load()}>
          {loading ? "Loading…" : "More scenes"}
        </button>
      )}
    </main>
  );
}

/** Where the server takes scenes: each is stored by a job. */
function AddScenes({ onAdded }: { onAdded(): void }) {
  const [state, setState] = useState("");
  const add = async (files: File[]): Promise<void> => {
    for (const file of files) {
      try {
        setState(`Sending ${file.name}…`);
        const job = await api.addScene(file, file.name);
        const ended = await followed(job, (now) => setState(progressText(now, `Storing ${file.name}`)));
        message.value = outcome(file.name, ended);
        onAdded();
      } catch (error) {
        message.value = `${file.name}: ${problemOf(error).message}`;
      }
    }
    setState("");
  };
  return (
    <label class="button">
      {state || "Add scenes"}
      <input
        type="file"
        multiple
        class="hidden"
        disabled={state !== ""}
        onChange={(event) => {
          void add([...(event.currentTarget.files ?? [])]);
          event.currentTarget.value = "";
        }}
      />
    </label>
  );
}

function outcome(name: string, { result }: Job): string {
  const setAside = (result?.["set_aside"] ?? []) as { reason?: string }[];
  if (setAside.length) return `${name} is set aside: ${setAside[0]?.reason ?? "it cannot be read"}`;
  return result?.["scenes_duplicate"] ? `${name} is stored already.` : `${name} is stored.`;
}

export function QuarantineView() {
  const [turn, setTurn] = useState(0);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [job, setJob] = useState<Job | null>(null);
  const { data, problem } = useLoaded("quarantine", (stop) => api.quarantine(stop), turn);
  useTitle("Quarantine");

  const retry = async (): Promise<void> => {
    try {
      await followed(await api.retry(), setJob);
      message.value = "Retried. The files that are still listed could not be read.";
    } catch (error) {
      message.value = problemOf(error).message;
    }
    setJob(null);
    setTurn(turn + 1);
  };
  const release = async (): Promise<void> => {
    try {
      const { released } = await api.release([...chosen]);
      message.value = `${counted(released, "file")} released: a watch may read ${released === 1 ? "it" : "them"} again.`;
      setChosen(new Set());
      setTurn(turn + 1);
    } catch (error) {
      message.value = problemOf(error).message;
    }
  };
  const toggle = (path: string): void => {
    const next = new Set(chosen);
    if (!next.delete(path)) next.add(path);
    setChosen(next);
  };
  const list: SetAside[] = data?.quarantine ?? [];

  return (
    <main class="page" id="main">
      <header class="head">
        <h1>Quarantine</h1>
        <p>Files that could not be stored, each with the reason. No file is skipped silently.</p>
      </header>
      <Trouble problem={problem} />
      {data && list.length === 0 && <p class="empty">Nothing is set aside.</p>}
      {list.length > 0 && (
        <>
          {may("write") && (
            <div class="tools">
              <button type="button" class="primary" disabled={job !== null} onClick={() => void retry()}>
                {job ? progressText(job, "Retrying") : "Retry all"}
              </button>
              <button type="button" disabled={chosen.size === 0} onClick={() => void release()}>
                Release {chosen.size ? counted(chosen.size, "file") : "the selected"}
              </button>
            </div>
          )}
          <ListTable columns={[may("write") && { hidden: "Select" }, "File", "Reason", "Set aside"]}>
            {list.map(({ path, reason, time }) => (
              <tr key={path}>
                {may("write") && (
                  <td>
                    <input
                      type="checkbox"
                      aria-label={`Select ${named(path)}`}
                      checked={chosen.has(path)}
                      onChange={() => toggle(path)}
                    />
                  </td>
                )}
                <th scope="row">
                  <FileName name={named(path)} />
                  <span class="path">
                    <FileName name={folder(path)} />
                  </span>
                </th>
                <td class="reason">{reason}</td>
                <td class="when">{timeText(time)}</td>
              </tr>
            ))}
          </ListTable>
        </>
      )}
    </main>
  );
}

const folder = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf("/"))) || "/";
