import { readdir, readFile, readlink } from 'node:fs/promises';
import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** The lines of `postmaster.pid` that matter (PostgreSQL: src/include/utils/pidfile.h). */
export interface PidFile {
  readonly pid: number;
  readonly port: number;
  /** `starting`, `ready`, `stopping`, `standby`; empty while the file is being written. */
  readonly status: string;
}

/** Reads `postmaster.pid`; null when there is none or it is not written yet. */
export async function readPidFile(dataDir: string): Promise<PidFile | null> {
  let text: string;
  try {
    text = await readFile(`${dataDir}/postmaster.pid`, 'utf8');
  } catch {
    return null;
  }
  const lines = text.split('\n');
  const pid = Number(lines[0]);
  if (!Number.isInteger(pid) || pid <= 0) return null;
  return { pid, port: Number(lines[3] ?? 0), status: (lines[7] ?? '').trim() };
}

/**
 * Every live process of the server on this data directory, postmaster and backends. PostgreSQL makes the
 * data directory its working directory, and backends overwrite their command line, so the working directory
 * together with the executable's name is the one sure mark.
 */
export async function serverProcesses(dataDir: string): Promise<number[]> {
  const found: number[] = [];
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      if ((await readlink(`/proc/${entry}/cwd`)) !== dataDir) continue;
      const exe = (await readlink(`/proc/${entry}/exe`)).replace(/ \(deleted\)$/, '');
      if (basename(exe) === 'postgres') found.push(Number(entry));
    } catch {
      // Ended meanwhile, or somebody else's: not ours to look at.
    }
  }
  return found;
}

/** True when this pid is a postmaster started with `-D dataDir`. */
export async function isPostmasterOf(pid: number, dataDir: string): Promise<boolean> {
  try {
    const args = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0');
    const at = args.indexOf('-D');
    return basename(args[0] ?? '') === 'postgres' && at > 0 && args[at + 1] === dataDir;
  } catch {
    return false;
  }
}

/**
 * Every postmaster that was started with `-D dataDir`, wherever that folder is now. One whose folder was moved or removed
 * while it runs goes on in it, but writes `global/pg_control` by the path that it began with (PostgreSQL:
 * src/common/controldata_utils.c): into whatever stands there since, which then cannot be started any more.
 */
export async function postmastersOf(dataDir: string): Promise<number[]> {
  const found: number[] = [];
  for (const entry of await readdir('/proc'))
    if (/^\d+$/.test(entry) && (await isPostmasterOf(Number(entry), dataDir))) found.push(Number(entry));
  return found;
}

/** The postmaster of `dataDir` whose folder was moved away or removed under it; null: there is none. */
export async function strayPostmaster(dataDir: string): Promise<number | null> {
  for (const pid of await postmastersOf(dataDir)) {
    const cwd = await readlink(`/proc/${pid}/cwd`).catch(() => null);
    if (cwd !== null && cwd !== dataDir) return pid;
  }
  return null;
}

export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // Already gone.
  }
}

/** Waits until no process of the server is left; false when some still are after `timeoutMs`. */
export async function waitUntilGone(dataDir: string, timeoutMs: number): Promise<boolean> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    if ((await serverProcesses(dataDir)).length === 0) return true;
    if (Date.now() > deadline) return false;
    await sleep(50);
  }
}

/**
 * Ends whatever an earlier run left behind on this data directory: a postmaster whose parent was killed, or
 * backends whose postmaster was. Asks first (fast shutdown), then insists.
 */
export async function endLeftovers(dataDir: string): Promise<void> {
  const file = await readPidFile(dataDir);
  if (file && (await isPostmasterOf(file.pid, dataDir))) {
    signal(file.pid, 'SIGINT');
    if (!(await waitUntilGone(dataDir, 10_000))) signal(file.pid, 'SIGQUIT');
  }
  if (await waitUntilGone(dataDir, 3_000)) return;
  for (const pid of await serverProcesses(dataDir)) signal(pid, 'SIGQUIT');
  if (await waitUntilGone(dataDir, 3_000)) return;
  for (const pid of await serverProcesses(dataDir)) signal(pid, 'SIGKILL');
  if (!(await waitUntilGone(dataDir, 5_000))) {
    throw new Error(`Unable to stop the PostgreSQL that still runs on ${dataDir}.`);
  }
}
