import {
  type DrillOutcome,
  type DrillRecord,
  type MeasuredRto,
  measuredRto,
  outcomeOf,
} from '@psa/recovery/drill';
import type { SeriesProof } from '@psa/recovery/series-proof';
import { age, when } from '../backup/backup-text.ts';
import { plural, table } from '../text.ts';
import type { DrillPlan } from './run-drill.ts';

/** Milliseconds for people: `8.3 s`, `12 min 5 s`. */
export function duration(ms: number): string {
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  return hours > 0 ? `${hours} h ${minutes} min` : `${minutes} min ${seconds % 60} s`;
}

/** How a drill stands, as the end of "The drill …". */
export const OUTCOME_TEXT: Readonly<Record<DrillOutcome, string>> = {
  passed: 'passed: everything that was tried restored',
  failed: 'FAILED',
  partial: 'IS NOT COMPLETE: not everything could be tried',
  running: 'is running',
  'cut short': 'DID NOT END: it was killed or interrupted',
};

export const TARGET_TEXT: Readonly<Record<MeasuredRto['target'], string>> = {
  database: 'database',
  redis: 'Redis',
  cluster: 'all that was restored',
};

/** Whether a series is proven, and by what. */
export function seriesText({ newest, proven, failed }: SeriesProof, now: number): string {
  if (failed.includes(newest?.id ?? '')) return 'FAILED: the newest did not restore';
  if (proven === null) return 'unproven: never restored';
  const of = proven.id === newest?.id ? 'the newest' : `an older one, of ${when(proven.at)}`;
  return `proven ${age(proven.proven_at, now)} ago: ${of}`;
}

export const renderDrillPlan = ({ site, ids, vlan, drills, left_out }: DrillPlan): string =>
  `Would restore of ${site}, beside everything and with no cable in, as ids of ${ids} in the VLAN ${vlan}:
${table(drills.map(({ item, name, id, at }) => [item, name, id, when(at)]))}${left_out.length === 0 ? '' : `Left out:\n${table(left_out.map(({ what, why }) => [what, why]))}`}`;

/** A drill's report for a terminal. */
export function renderDrill(record: DrillRecord, isRunning: boolean, now: number): string {
  const { id, site, began, ended, results, left_out, series, steps } = record;
  const outcome = outcomeOf(record, isRunning);
  const took = ended === null ? '' : `, ${duration(Date.parse(ended) - Date.parse(began))}`;
  const rows = results.map(({ outcome: one, name, restore_ms, compared, why }) => [
    ...[one === 'passed' ? 'restored' : one === 'failed' ? 'FAILED' : 'untried', name],
    restore_ms === null ? '' : duration(restore_ms),
    why ?? `${plural(compared.length, 'thing')} compared, all the same`,
  ]);
  const rto = measuredRto(record).map(({ target, target_minutes, measured_ms, met }) => [
    ...[TARGET_TEXT[target], measured_ms === null ? 'not measured' : duration(measured_ms)],
    ...[`target ${target_minutes} min`, met === null ? '' : met ? 'met' : 'MISSED'],
  ]);
  const last = outcome === 'cut short' ? steps.at(-1) : undefined;
  return `Drill ${id} of ${site} (${when(began)}${took}) ${OUTCOME_TEXT[outcome]}.
${table(rows)}${last ? `The last that it did: ${last.of === null ? '' : `${last.of}: `}${last.step}.\n` : ''}${results.length === 0 ? '' : `Time to be back:\n${table(rto)}`}${left_out.length === 0 ? '' : `Left out:\n${table(left_out.map(({ what, why }) => [what, why]))}`}${series.length === 0 ? '' : `What is proven:\n${table(series.map((one) => [one.series, one.newest ? when(one.newest.at) : 'no good one', seriesText(one, now)]))}`}`;
}
