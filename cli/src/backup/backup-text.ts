import { hoursSince } from '@psa/recovery/proof';
import type { ShelvedBackup } from '@psa/recovery/shelf';
import { table } from '../text.ts';
import type { Part } from './part.ts';
import type { RunResult } from './run-backup.ts';

/** Bytes for people: `12.3 MiB` */
export function size(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const step = bytes === 0 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  return `${(bytes / 1024 ** step).toFixed(step === 0 ? 0 : 1)} ${units[step]}`;
}

/** `2026-11-30 02:00`: UTC. */
export const when = (at: string): string => at.slice(0, 16).replace('T', ' ');

/** How long ago, in the largest unit that fits: `3 d`, `5 h`, `12 min`. */
export function age(at: string, now: number): string {
  const hours = hoursSince(at, now);
  if (hours === 0) return `${Math.max(0, Math.floor((now - Date.parse(at)) / 60_000))} min`;
  return hours >= 48 ? `${Math.floor(hours / 24)} d` : `${hours} h`;
}

/** Whether a backup was restored, and how long ago. */
export const provenText = (
  { proof, failure }: Pick<ShelvedBackup, 'proof' | 'failure'>,
  now: number,
): string => (proof ? `${age(proof.at, now)} ago` : failure ? `FAILED ${age(failure.at, now)} ago` : 'no');

/** What would be taken. */
export const renderParts = (parts: readonly Pick<Part, 'name' | 'how' | 'skip'>[]): string =>
  table(parts.map(({ name, how, skip }) => [skip === null ? 'take' : 'skip', name, skip ?? how]));

/** How a run went. */
export function renderRun({ run, tier, folder, duration_ms, complete, parts }: RunResult): string {
  const rows = parts.map(({ outcome, name, bytes, duration_ms: ms, why }) => [
    ...[outcome, name, outcome === 'good' ? size(bytes) : ''],
    ...[outcome === 'good' ? `${(ms / 1000).toFixed(1)} s` : '', why ?? ''],
  ]);
  const warned = parts.flatMap(({ name, warnings }) => warnings.map((one) => `${name}: ${one}\n`));
  const end = complete ? 'is complete' : 'IS NOT COMPLETE';
  return `${table(rows)}${warned.join('')}Run ${run} (${tier}) ${end}: ${folder}, ${(duration_ms / 1000).toFixed(1)} s.\n`;
}
