// Work of the server that takes a while.

import { useEffect, useState } from "preact/hooks";
import { api, Problem, type Job } from "./api";
import { useLoaded } from "./loaded";

const EVERY = 700;
const SELDOM = 10_000;

/** Whether a job waits or is worked on. */
export const isOpen = (job: Job): boolean => job.ended === null;

/** All jobs, the newest first; asked for again and again, and at once by `again`. */
export function useJobs(): { jobs: Job[] | null; again: () => void } {
  const [turn, setTurn] = useState(0);
  const { data } = useLoaded("jobs", (stop) => api.jobs(stop), turn);
  const again = (): void => setTurn((n) => n + 1);
  const busy = data?.jobs.some(isOpen) ?? false;
  useEffect(() => {
    const timer = setInterval(again, busy ? EVERY : SELDOM);
    return () => clearInterval(timer);
  }, [busy]);
  return { jobs: data?.jobs ?? null, again };
}

/** Waits until a job has ended, telling how far it is; throws what went wrong in it. */
export async function followed(started: Job, onProgress: (job: Job) => void): Promise<Job> {
  let job = started;
  onProgress(job);
  while (isOpen(job)) {
    await new Promise((wake) => setTimeout(wake, EVERY));
    job = await api.job(started.id);
    onProgress(job);
  }
  if (job.error) throw new Problem(0, job.error.detail);
  if (job.state === "cancelled") throw new Problem(0, "The job was cancelled.");
  return job;
}

export function progressText(job: Job, task: string): string {
  return job.total ? `${task}, ${job.done} of ${job.total}…` : `${task}…`;
}
