import type { BackupItem } from '@psa/appliance/inventory/operations-schema';
import { ProxmoxError } from '@psa/proxmox/client/errors';
import { isRun, newRun } from '@psa/recovery/artefact-name';
import { chooseDrills, type DrillRecord, type DrillResult } from '@psa/recovery/drill';
import type { SiteManifest } from '@psa/recovery/manifest';
import { allSame, differences, type Proof, writeProof } from '@psa/recovery/proof';
import { seriesProofs } from '@psa/recovery/series-proof';
import {
  type Catalogue,
  type Catalogued,
  named,
  newestOfEach,
  readCatalogue,
  usable,
} from '../backup/catalogue.ts';
import { CliError } from '../errors.ts';
import type { Progress } from '../progress.ts';
import { recoveryError } from '../recovery-error.ts';
import { Cluster } from '../site/cluster.ts';
import { DRILL_LOCK, withClusterLock } from '../site/cluster-lock.ts';
import { siteNameOf } from '../site/generations.ts';
import { drillContainer } from './container.ts';
import { drillDatabase, type Tried } from './database.ts';
import { DrillJournal, reasonOf } from './journal.ts';
import { drillPitr } from './pitr.ts';
import { type Drilling, removeLeftovers, Untried } from './place.ts';
import type { DrillAccount } from './portal.ts';
import { drillRabbitmq } from './rabbitmq.ts';
import { drillRedis } from './redis.ts';
import { drillUnpacked } from './unpacked.ts';

/** What a drill can restore, in its order: what holds most comes first, so that one that is cut short has it. */
export const DRILL_ITEMS = [
  'database',
  'pitr',
  'secrets',
  'configs',
  'redis',
  'rabbitmq',
  'releases',
  'containers',
] as const satisfies readonly BackupItem[];
export type DrillItem = (typeof DRILL_ITEMS)[number];

const DRILLS: Readonly<
  Record<DrillItem, (drilling: Drilling, one: Catalogued, manifest: SiteManifest) => Promise<Tried>>
> = {
  database: drillDatabase,
  pitr: drillPitr,
  secrets: drillUnpacked,
  configs: drillUnpacked,
  redis: drillRedis,
  rabbitmq: drillRabbitmq,
  releases: drillUnpacked,
  containers: drillContainer,
};

/** What is wanted of a drill. */
export interface DrillWish {
  readonly what: readonly DrillItem[];
  /** Runs, and ids of backups; null: the newest good one of each. */
  readonly from: readonly string[] | null;
  /** Every container, not one of each group. One that is named by its id is restored in any case. */
  readonly all: boolean;
}

/** A backup that a drill restores. */
interface Planned {
  readonly item: DrillItem;
  /** For people: `psa-redis-1`, `database`. */
  readonly name: string;
  readonly backup: Catalogued;
}

/** What a drill will do. */
export interface DrillPlan {
  readonly site: string;
  /** Container ids that it may take. */
  readonly ids: string;
  readonly vlan: string;
  readonly drills: readonly {
    readonly id: string;
    readonly item: DrillItem;
    readonly name: string;
    readonly at: string;
  }[];
  readonly left_out: DrillRecord['left_out'];
}

const itemOf = ({ kind }: Catalogued): DrillItem | null => {
  const item = kind === 'container' ? 'containers' : kind;
  return DRILL_ITEMS.find((one) => one === item) ?? null;
};

/** Chooses what is restored; reads only. @throws CliError when nothing is there, or a run has nothing of it */
export async function planDrill(
  cluster: Cluster,
  wish: DrillWish,
): Promise<{ readonly plan: DrillPlan; readonly chosen: readonly Planned[] }> {
  const { site } = cluster;
  const catalogue = await readCatalogue(cluster);
  const containerOf = ({ manifest }: Catalogued) =>
    manifest?.kind === 'container'
      ? site.containers.find(({ id }) => id === manifest.from.container)
      : undefined;
  const planned = (backup: Catalogued): readonly Planned[] => {
    const item = itemOf(backup);
    if (item === null || !wish.what.includes(item)) return [];
    return [{ item, backup, name: containerOf(backup)?.name ?? backup.series }];
  };
  const candidates =
    wish.from === null
      ? newestOfEach(catalogue).flatMap(planned)
      : named(catalogue, wish.from).flatMap(planned);
  if (candidates.length === 0)
    throw new CliError(
      wish.from === null
        ? 'Unable to begin a drill: there is no good backup of what was asked for.'
        : `Unable to begin a drill from "${wish.from.join(', ')}": there is nothing of what was asked for.`,
      { outcome: 'not_found', fix: 'See "psactl backup list".' },
    );
  const lastProven = new Map(
    seriesProofs(catalogue.backups).map((one) => [one.series, one.proven?.proven_at ?? null]),
  );
  const drillable = candidates.map((one) => ({
    ...one,
    ...{ id: one.backup.id, series: one.backup.series, at: one.backup.at },
    // A part and the containers that it runs in have the same name.
    group: `${one.item} ${containerOf(one.backup)?.group ?? one.backup.series}`,
    proven_at: lastProven.get(one.backup.series) ?? null,
  }));
  const [byId, byTurn] = [true, false].map((is) =>
    drillable.filter(
      ({ id }) => (wish.from?.some((one) => one.split('/').at(-1)!.startsWith(id)) ?? false) === is,
    ),
  ) as [typeof drillable, typeof drillable];
  const chosen = [...byId, ...chooseDrills(byTurn, wish.all)];
  const ordered = chosen.toSorted((a, b) => DRILL_ITEMS.indexOf(a.item) - DRILL_ITEMS.indexOf(b.item));
  const plan: DrillPlan = {
    site: siteNameOf(site),
    ...{ ids: site.inventory.backup.drill.ids, vlan: site.inventory.backup.drill.vlan },
    drills: ordered.map(({ id, item, name, at }) => ({ id, item, name, at })),
    left_out: leftOut(catalogue, wish, candidates, ordered),
  };
  return { plan, chosen: ordered };
}

function leftOut(
  catalogue: Catalogue,
  { what, from }: DrillWish,
  candidates: readonly Planned[],
  chosen: readonly Planned[],
): DrillRecord['left_out'] {
  const has = (item: DrillItem) => candidates.some((one) => one.item === item);
  const rest = candidates.filter(({ backup }) => !chosen.some((one) => one.backup.id === backup.id));
  const bad = [...Map.groupBy(catalogue.backups, ({ series }) => series).values()].flatMap(([newest]) =>
    from === null && newest!.state !== 'good' && newest!.kind !== 'deploy' ? [newest!] : [],
  );
  return [
    // Who names backups by their ids wants those.
    ...(from === null || from.some(isRun)
      ? what
          .filter((item) => !has(item))
          .map((item) => ({ what: item, why: 'there is no good backup of it' }))
      : []),
    ...bad.map(({ id, state }) => ({ what: id, why: `the newest of its series, and ${state}` })),
    ...rest.map(({ name }) => ({ what: name, why: "another one's turn of its group" })),
  ];
}

/** What a drill needs beside its plan. */
export interface DrillSettings {
  readonly what: readonly DrillItem[];
  readonly chosen: readonly Planned[];
  readonly identity: string | null;
  /** Who signs in at the restored platform; null: nobody. */
  readonly account: DrillAccount | null;
  readonly progress: Progress;
}

/**
 * Restores backups into isolation, one after the other, compares, writes beside each what came of it, and takes away what it
 * has made. One drill at a time in a cluster, and none while backups are pruned: what is read must not go.
 * @throws CliError when it could not be begun
 */
export async function runDrill(
  outer: Cluster,
  plan: DrillPlan,
  settings: DrillSettings,
): Promise<DrillRecord> {
  const { site } = outer;
  const { targets } = site.inventory.backup;
  const what = { name: DRILL_LOCK, what: 'psactl drill run', signal: outer.signal };
  return withClusterLock(site, what, async (signal) => {
    const cluster = new Cluster(site, signal);
    const began = new Date();
    const record: DrillRecord = {
      ...{ drill: 1, id: newRun(began), site: plan.site, began: began.toISOString(), ended: null },
      ...{ what: settings.what, ids: [], steps: [], results: [], left_out: plan.left_out, series: [] },
      targets: {
        database: targets.database.rto_minutes,
        redis: targets.redis.rto_minutes,
        cluster: targets.cluster.rto_minutes,
      },
    };
    const journal = await DrillJournal.begin(site.folder, record, settings.progress);
    try {
      const { identity, account } = settings;
      const drilling: Drilling = { cluster, journal, identity, account };
      await journal.step(null, 'take away what a killed drill has left', async () => {
        for (const id of await removeLeftovers(cluster))
          settings.progress.note(`CT ${id} was left by a drill that was killed; it is gone.`);
      });
      for (const one of settings.chosen) {
        const result = await drillOne(drilling, one);
        if (result.outcome !== 'passed')
          settings.progress.note(`${result.name}: ${result.outcome}: ${result.why}`);
        await journal.result(result);
      }
      const { backups } = await journal.step(null, 'see what is proven', () => readCatalogue(cluster));
      return await journal.end(seriesProofs(backups));
    } finally {
      settings.progress.end();
      await journal.close();
    }
  });
}

async function drillOne(drilling: Drilling, { item, name, backup }: Planned): Promise<DrillResult> {
  const { cluster } = drilling;
  const began = performance.now();
  const base = { id: backup.id, series: backup.series, item, name, backed_up_at: backup.at };
  const done = (
    rest: Pick<DrillResult, 'outcome' | 'why' | 'restore_ms' | 'compared' | 'notes'>,
  ): DrillResult => ({
    ...{ ...base, ...rest },
    duration_ms: Math.round(performance.now() - began),
  });
  let result: DrillResult;
  try {
    cluster.signal.throwIfAborted();
    const tried = await DRILLS[item](drilling, backup, usable(cluster, backup));
    const passed = allSame(tried.compared);
    const why = passed ? null : differences(tried.compared);
    result = done({ ...tried, outcome: passed ? 'passed' : 'failed', why });
  } catch (thrown) {
    cluster.signal.throwIfAborted();
    const error = recoveryError(thrown);
    const outcome = saysNothing(error) ? 'untried' : 'failed';
    result = done({ outcome, why: reasonOf(error), restore_ms: null, compared: [], notes: [] });
  }
  await keepProof(drilling, backup, result);
  return result;
}

/** Whether an error is of the place and not of the backup: nobody can say then what it would have restored to. */
function saysNothing(error: unknown): boolean {
  if (error instanceof Untried || (error as Error).name === 'SshError') return true;
  if (error instanceof CliError && ['DISK_FULL', 'NO_KEY'].includes(error.code)) return true;
  return error instanceof ProxmoxError && error.kind !== 'task';
}

/** Writes beside a backup what came of it; of one that was not put to the test there is nothing to say. */
async function keepProof({ journal }: Drilling, backup: Catalogued, result: DrillResult): Promise<void> {
  const { manifest } = backup;
  if (result.outcome === 'untried' || manifest === null) return;
  const proof: Proof = {
    ...{ proof: 1, id: backup.id, sha256: manifest.sha256, at: new Date().toISOString() },
    ...{ by: journal.record.id, result: result.outcome, why: result.why, compared: result.compared },
    duration_ms: result.restore_ms ?? result.duration_ms,
  };
  await journal.step(backup.id, 'write down what came of it', () => writeProof(backup.file, proof));
}
