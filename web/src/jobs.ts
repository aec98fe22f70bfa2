// Work of the server that takes a while.

import { api, Problem, type Job } from "./api";

const EVERY = 700;

/** Waits until a job has ended, telling how far it is; throws what went wrong in it. */
export async function followed(started: Job, onProgress: (job: Job) => void): Promise<Job> {
  let job = started;
  onProgress(job);
  while (job.state === "waiting" || job.state === "running") {
    await new Promise((wake) => setTimeout(wake, EVERY));
    job = await api.job(started.id);
    onProgress(job);
  }
  if (job.error) throw new Problem(0, job.error.detail);
  return job;
}

export function progressText(job: Job, task: string): string {
  return job.total ? `${task}, ${job.done} of ${job.total}…` : `${task}…`;
}
