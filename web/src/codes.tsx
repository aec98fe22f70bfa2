// Codes adapted to the archive: fitted, judged, and given to the store.

import { useState } from "preact/hooks";
import { api, type Adapted, type Job, type Measure, type Rehashed } from "./api";
import { count, counted, durationText, gainText } from "./format";
import { isOpen } from "./jobs";
import { CancelJob } from "./jobTable";
import { problemOf } from "./loaded";
import { Meter } from "./meter";
import { may } from "./shell";
import { Trouble } from "./trouble";

/** What the tasks of both kinds of jobs are for a person. */
const TASKS: Record<string, string> = {
  represent: "Reading tiles",
  "turn, darken, crop": "Testing the codes",
  rehash: "Rehashing",
};
const MEASURES = [
  ["agreement", "Agreement with the representation"],
  ["steadiness", "Steadiness under turns, light and crops"],
] as const;

/** From which gain on codes are better, and from which familiarity on none are (docs/adaptation.md). */
const ENOUGH = 0.02;
const KNOWN = 0.65;

interface Props {
  jobs: Job[];
  /** The lineage of the codes that the store has. */
  lineage: string;
  again(): void;
}

export function Codes({ jobs, lineage, again }: Props) {
  const [trouble, setTrouble] = useState("");
  const [all, setAll] = useState(true);
  const own = jobs.filter(({ kind }) => kind === "adapt" || kind === "rehash");
  const open = own.find(isOpen) ?? null;
  const newest = own[0] ?? null;
  const adapted = open ? null : adaptedIn(own);
  const rehashed = newest?.kind === "rehash" && newest.state === "done" ? (newest.result as unknown) : null;

  const begin = async (start: () => Promise<Job>): Promise<void> => {
    setTrouble("");
    try {
      await start();
    } catch (error) {
      setTrouble(problemOf(error).message);
    }
    again();
  };

  return (
    <section class="block" aria-label="Codes">
      <h2>Codes</h2>
      <p class="prose">
        Adapted codes are fitted on the tiles of this archive. They tell its scenes apart better if the model
        was trained on other kinds of scenes. They are tested on other tiles than they were fitted on. The
        store changes only when you rehash it.
      </p>
      {open && <Running job={open} again={again} />}
      {newest?.state === "failed" && <Trouble>{newest.error?.detail}</Trouble>}
      {newest?.state === "cancelled" && <p class="note">Cancelled. The store has not changed.</p>}
      {adapted && <Judged adapted={adapted} used={adapted.card.lineage === lineage} />}
      {rehashed !== null && <Done report={rehashed as Rehashed} />}
      {!open && may("write") && (
        <div class="actions">
          {adapted?.model && adapted.card.lineage !== lineage && (
            <>
              <button
                type="button"
                class="primary"
                onClick={() => void begin(() => api.rehash({ model: "adapted", require_all: all }))}
              >
                Rehash the store
              </button>
              <label class="check">
                <input
                  type="checkbox"
                  checked={all}
                  onChange={(event) => setAll(event.currentTarget.checked)}
                />{" "}
                only if every scene can be read
              </label>
            </>
          )}
          <button type="button" onClick={() => void begin(() => api.adapt({ anyway: false }))}>
            Adapt the codes to this archive
          </button>
          {adapted && !adapted.model && (
            <button type="button" onClick={() => void begin(() => api.adapt({ anyway: true }))}>
              Adapt anyway
            </button>
          )}
        </div>
      )}
      <Trouble>{trouble}</Trouble>
    </section>
  );
}

function Running({ job, again }: { job: Job; again(): void }) {
  const task = TASKS[job.task ?? ""] ?? (job.kind === "adapt" ? "Fitting codes" : "Rehashing");
  const fitting = job.kind === "adapt" && job.total > 0 && job.done >= job.total;
  const text = job.state === "waiting" ? "Waiting for another job" : fitting ? "Fitting codes" : task;
  return (
    <div class="running">
      <span role="status">{job.state === "cancelling" ? "Cancelling" : text}…</span>
      {job.total > 0 && !fitting && (
        <>
          <Meter share={job.done / job.total} />
          <span>
            {count(job.done)} of {counted(job.total, "tile")}
          </span>
        </>
      )}
      <CancelJob job={job} again={again} />
    </div>
  );
}

function Judged({ adapted, used }: { adapted: Adapted; used: boolean }) {
  const { tiles, labelled, judged } = adapted.card.adaptation;
  return (
    <>
      <p class={adapted.better ? "gain good" : "gain"}>
        Estimated gain <b>{gainText(adapted.gain)}</b>: {used ? "in use." : verdictOf(adapted)}
      </p>
      <table class="list measures">
        <thead>
          <tr>
            <th scope="col">Measure</th>
            <th scope="col" class="number">
              Before
            </th>
            <th scope="col" class="number">
              Adapted
            </th>
          </tr>
        </thead>
        <tbody>
          {MEASURES.map(([key, name]) => (
            <tr key={key}>
              <th scope="row">{name}</th>
              <Values measure={adapted[key]} />
            </tr>
          ))}
        </tbody>
      </table>
      <p class="note">
        Fitted on {counted(tiles, "tile")}, {count(labelled)} of them with labels, and tested on{" "}
        {count(judged)} others. {Math.round(100 * adapted.familiarity)} % of those share their leading bits
        with another tile; from {100 * KNOWN} % on, the model knows the archive.
        {adapted.unreachable > 0 && ` ${count(adapted.unreachable)} left out: their scenes cannot be read.`}
      </p>
    </>
  );
}

function verdictOf({ better, gain, familiarity, one_kind, model }: Adapted): string {
  if (better) return "better.";
  const why =
    familiarity >= KNOWN
      ? one_kind
        ? "all tiles look like one kind of scene, and codes must separate other kinds, too"
        : "the model already knows this archive"
      : gain < ENOUGH
        ? `too small; adapted codes need at least ${100 * ENOUGH} %`
        : "but the codes are less steady";
  return model ? `${why}. They were made anyway.` : `${why}. Keep the codes that the store has.`;
}

function Values({ measure }: { measure: Measure | null }) {
  if (!measure)
    return (
      <td class="number" colSpan={2}>
        no scene could be read
      </td>
    );
  return (
    <>
      <td class="number">{measure.before.toFixed(3)}</td>
      <td class="number">{measure.after.toFixed(3)}</td>
    </>
  );
}

function Done({ report }: { report: Rehashed }) {
  const kept = report.scenes_from_vectors + report.scenes_from_codes;
  const read = report.scenes_rehashed + report.scenes_moved;
  const lost = report.alerts.filter(({ disabled }) => disabled);
  return (
    <p class="note">
      Rehashed in {durationText(report.seconds)}: {counted(kept, "scene")} from stored representations or
      codes, {count(read)} from their files.
      {report.scenes_unreachable > 0 &&
        ` ${counted(report.scenes_unreachable, "scene")} could not be read: they keep their old codes, and are searched separately.`}
      {lost.length > 0 && ` Disabled alerts: ${lost.map(({ name }) => name).join(", ")}.`}
    </p>
  );
}

/** The newest adaptation, unless the store got other codes since. */
function adaptedIn(jobs: Job[]): Adapted | null {
  const adapt = jobs.find(({ kind, state }) => kind === "adapt" && state === "done");
  if (!adapt) return null;
  const adapted = adapt.result as unknown as Adapted;
  const since = jobs.slice(0, jobs.indexOf(adapt)).filter(({ state }) => state === "done");
  return since.every(({ result }) => result?.lineage === adapted.card.lineage) ? adapted : null;
}
