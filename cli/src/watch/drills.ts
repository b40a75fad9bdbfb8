import { type DrillRecord, outcomeOf } from '@psa/recovery/drill';
import type { WatchedDrill } from '@psa/recovery/watched';
import { drillIds, readDrill } from '../drill/journal.ts';
import type { SiteFolder } from '../site/folder.ts';

/** So many are looked at: of a drill a week those of half a year. */
const LOOKED_AT = 26;

/**
 * The drills that were run from this machine, by what they restored. Null: none was, so that another one runs them, and what
 * came of them stands beside the backups alone.
 */
export async function readDrills(folder: SiteFolder): Promise<readonly WatchedDrill[] | null> {
  const ids = (await drillIds(folder)).slice(0, LOOKED_AT);
  if (ids.length === 0) return null;
  const all = await Promise.all(ids.map((id) => readDrill(folder, id).catch(() => null)));
  return all.flatMap((one) => (one === null ? [] : drillsOf(one.record, one.isRunning)));
}

/** What a drill says of each thing that it was to restore; of what it could not try it says nothing. */
export function drillsOf(record: DrillRecord, isRunning: boolean): readonly WatchedDrill[] {
  const outcome = outcomeOf(record, isRunning);
  if (outcome === 'running') return [];
  return record.what.flatMap((what): WatchedDrill[] => {
    const of = record.results.filter(({ item }) => item === what);
    const failed = of.find((one) => one.outcome === 'failed');
    const base = { what, at: record.began };
    if (failed) return [{ ...base, ok: false, why: failed.why ?? `${failed.name} did not restore` }];
    if (outcome === 'cut short') return [{ ...base, ok: null, why: null }];
    return of.some((one) => one.outcome === 'passed') && of.every((one) => one.outcome === 'passed')
      ? [{ ...base, ok: true, why: null }]
      : [];
  });
}
