import type { ClusterFiles } from './cluster-files.ts';

/** A replication job's options, as they were given. */
export type ReplicationJob = Readonly<Record<string, string>>;
export type ReplicationJobs = Record<string, ReplicationJob>;

const FILE = 'replication.json';

export const readReplication = (files: ClusterFiles): ReplicationJobs =>
  files.readJson<ReplicationJobs>(FILE, {});

/** Changes and saves; a change that throws leaves nothing behind. */
export function updateReplication(files: ClusterFiles, change: (jobs: ReplicationJobs) => void): void {
  const jobs = readReplication(files);
  change(jobs);
  files.writeJson(FILE, jobs);
}

export const guestOfJob = (id: string): number => Number(id.split('-')[0]);

/** A job of a guest; null: it is not replicated. */
export const jobOfGuest = (files: ClusterFiles, vmid: number): string | null =>
  Object.keys(readReplication(files)).find((id) => guestOfJob(id) === vmid) ?? null;
