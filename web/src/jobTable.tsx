// The jobs of the server.

import { api, type Adapted, type Job, type Rehashed } from "./api";
import { count, counted, gainText, timeText } from "./format";
import { isOpen } from "./jobs";
import { ListTable } from "./listTable";
import { problemOf } from "./loaded";
import { Meter } from "./meter";
import { may, message } from "./shell";

const KINDS: Record<string, string> = {
  ingest: "Ingest a scene",
  retry: "Retry the quarantine",
  adapt: "Adapt the codes",
  rehash: "Rehash the store",
};

export function JobTable({ jobs, again }: { jobs: Job[]; again(): void }) {
  return (
    <section class="block" aria-label="Jobs">
      <h2>Jobs</h2>
      {jobs.length ? (
        <ListTable columns={["Job", "State", "Progress", "Started", "Result"]}>
          {jobs.map((job) => (
            <tr key={job.id}>
              <th scope="row">{KINDS[job.kind] ?? job.kind}</th>
              <td>{job.state}</td>
              <td>
                {job.total > 0 && (
                  <>
                    <Meter share={job.done / job.total} /> {count(job.done)} of {count(job.total)}
                  </>
                )}
              </td>
              <td>{job.started ? timeText(job.started) : "not yet"}</td>
              <td class="reason">
                {job.error?.detail ?? outcome(job)}
                {isOpen(job) && <CancelJob job={job} again={again} />}
              </td>
            </tr>
          ))}
        </ListTable>
      ) : (
        <p class="note">No jobs yet.</p>
      )}
    </section>
  );
}

/** Ends a job at its next step; what it has stored is kept. */
export function CancelJob({ job, again }: { job: Job; again(): void }) {
  if (!may("write")) return null;
  const cancel = async (): Promise<void> => {
    try {
      await api.cancel(job.id);
    } catch (error) {
      message.value = problemOf(error).message;
    }
    again();
  };
  return (
    <button type="button" disabled={job.state === "cancelling"} onClick={() => void cancel()}>
      Cancel
      <span class="hidden">: {KINDS[job.kind] ?? job.kind}</span>
    </button>
  );
}

/** What came of a job that is done, in a few words. */
function outcome({ kind, result }: Job): string {
  if (!result) return "";
  if (kind === "adapt") return `estimated gain ${gainText((result as unknown as Adapted).gain)}`;
  if (kind === "rehash") return counted(scenesOf(result as unknown as Rehashed), "scene");
  return `${count(Number(result["scenes_stored"]))} stored, ${count(Number(result["scenes_set_aside"]))} set aside`;
}

function scenesOf(report: Rehashed): number {
  return report.scenes_from_vectors + report.scenes_from_codes + report.scenes_rehashed + report.scenes_moved;
}
