import type { ClusterFiles } from './cluster-files.ts';

/** A backup job's options, as they were given. */
export type BackupJob = Record<string, string | readonly string[]>;
export type BackupJobs = Record<string, BackupJob>;

const FILE = 'jobs.json';

export const readJobs = (files: ClusterFiles): BackupJobs => files.readJson<BackupJobs>(FILE, {});

/** Changes and saves; a change that throws leaves nothing behind. */
export function updateJobs(files: ClusterFiles, change: (jobs: BackupJobs) => void): void {
  const jobs = readJobs(files);
  change(jobs);
  files.writeJson(FILE, jobs);
}

/**
 * Takes a guest that is gone out of all jobs (PVE::VZDump::Plugin, remove_vmid_from_backup_jobs). A job that named it
 * alone goes with it.
 */
export function forgetInJobs(files: ClusterFiles, vmid: number): void {
  updateJobs(files, (jobs) => {
    for (const [id, job] of Object.entries(jobs)) {
      const key = job.vmid === undefined ? 'exclude' : 'vmid';
      if (job[key] === undefined) continue;
      const left = without(String(job[key]), vmid);
      if (left !== '') job[key] = left;
      else if (key === 'vmid') delete jobs[id];
      else delete job[key];
    }
  });
}

const without = (list: string, vmid: number): string =>
  list
    .split(/[,;\s]+/)
    .filter((one) => one !== '' && Number(one) !== vmid)
    .join(',');
