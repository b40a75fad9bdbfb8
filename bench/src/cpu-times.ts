import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';

/** Time that processors spent, in milliseconds. */
export interface CpuTimes {
  /** Of all processors, idle or not. */
  readonly all: number;
  readonly busy: number;
  /** Of this process and its children that ended, and theirs. */
  readonly ours: number;
}

/** `/proc` counts in hundredths of a second. */
const TICK_MS = 10;

export function cpuTimes(): CpuTimes {
  let all = 0;
  let idle = 0;
  for (const { times } of cpus()) {
    all += times.user + times.nice + times.sys + times.idle + times.irq;
    idle += times.idle;
  }
  // After the name, which may hold spaces: state is the 3rd field, utime, stime, cutime, cstime the 14th to 17th.
  const fields = readFileSync('/proc/self/stat', 'utf8').split(') ').at(-1)!.split(' ');
  const ours = fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks) * TICK_MS, 0);
  return { all, busy: all - idle, ours };
}

/** The share of all processor time that others took between two looks; our children must have ended by then. */
export const othersShare = (before: CpuTimes, after: CpuTimes): number =>
  Math.max(0, after.busy - before.busy - (after.ours - before.ours)) / (after.all - before.all || 1);

/** Milliseconds of processor time that a running process has spent. */
export function cpuOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}
