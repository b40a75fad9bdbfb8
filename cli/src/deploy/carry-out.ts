import type { Rollout } from '@psa/appliance/deploy/rollout';
import { carryAfterRollout, type OpsCarried } from '../ops/after-rollout.ts';
import type { Progress } from '../progress.ts';
import type { Archive } from '../site/archive.ts';
import type { Cluster } from '../site/cluster.ts';
import { addHistory, type HistoryEntry, writeDeployed } from '../site/deployed.ts';
import { PSA_RELEASE } from '../site/look.ts';
import { migrateDatabase } from '../site/migrate.ts';
import { AT_ONCE, pooled } from '../site/pooled.ts';
import { rollOut } from '../site/rollout.ts';
import { endRolloutJournal, type RolloutJournal, writeRolloutJournal } from '../site/rollout-journal.ts';
import { said } from '../site/run-rollout.ts';
import { dumpDatabase } from './database-dump.ts';
import { notify } from './notify.ts';
import { type DeployPlan, type Prepared, TAKEN_BACK, type Wanted } from './prepare.ts';

/** How it went. */
export interface DeployResult {
  readonly id: string;
  readonly ended: HistoryEntry['outcome'];
  readonly to: DeployPlan['to'];
  readonly from: DeployPlan['from'];
  readonly reason: string | null;
  readonly seconds: number;
  readonly backup: string | null;
  readonly replicas: number;
  readonly lost: readonly { readonly replica: string; readonly why: string }[];
  readonly notes: readonly string[];
  /** What runs by the clock, where it went along. */
  readonly ops: OpsCarried | null;
}

/** Carries it out. Call it with the folder's lock held. */
export async function carryOut(
  cluster: Cluster,
  wanted: Wanted,
  prepared: Prepared,
  progress: Progress,
): Promise<DeployResult> {
  const { site, signal } = cluster;
  const started = Date.now();
  const { plan, archive, rollout: start } = prepared;
  if (plan.replicas.length === 0 && prepared.journal === null) {
    await writeDeployed(site.folder.path, plan.to);
    return {
      ...{ id: plan.id, ended: 'done', to: plan.to, from: plan.from, reason: null, seconds: 0 },
      ...{ backup: null, replicas: 0, lost: [], notes: [], ops: await carryAfterRollout(cluster, progress) },
    };
  }
  const notes: string[] = [];
  const note = (text: string) => {
    notes.push(text);
    progress.note(text);
  };
  let journal: RolloutJournal = {
    ...{ id: plan.id, action: wanted.action, startedAt: new Date(started).toISOString(), phase: 'prepare' },
    ...{ backup: null, ...prepared.journal, rollout: start },
  };
  await writeRolloutJournal(site.folder, journal);
  const save = async (more: Partial<RolloutJournal>) => {
    journal = { ...journal, ...more };
    await writeRolloutJournal(site.folder, journal);
  };

  let lost: DeployResult['lost'] = [];
  let failure: string | null = null;
  try {
    if (journal.phase === 'prepare' && journal.rollout.reason === null) {
      if (archive) await installIn(prepared.lacking, cluster, archive, progress);
      if (wanted.backup && journal.backup === null) {
        progress.start('Back up the database');
        const dump = await dumpDatabase(cluster, { keep: site.inventory.releases.keep });
        note(`Backup: ${dump.file} (${Math.ceil(dump.bytes / 1024)} KiB, ${dump.entries} entries)`);
        await save({ backup: dump.file });
      }
      if (wanted.migrate) {
        progress.start('Migrate the database');
        const [place] = (await Promise.all(Object.keys(plan.to).map((name) => cluster.running(name)))).flat();
        if (place) await migrateDatabase(cluster, place.id, wanted.version);
      }
      await save({ phase: 'roll' });
    }
  } catch (error) {
    signal.throwIfAborted();
    failure = said(error);
  }
  if (failure === null) {
    const end = await rollOut(cluster, journal.rollout, wanted, {
      begin: (what, replicas) => progress.start(what, replicas),
      advance: () => progress.advance(),
      note,
      save: (rollout) => save({ rollout }),
    });
    journal = { ...journal, rollout: end.rollout };
    lost = end.lost;
    failure = end.rollout.reason;
  }

  const { rollout } = journal;
  const untouched = rollout.reason === null && failure !== null;
  const asked = wanted.action === 'rollback' && failure === TAKEN_BACK;
  const good = (failure === null || asked) && lost.length === 0;
  const outcome = good ? 'done' : lost.length > 0 ? 'failed' : untouched ? 'failed' : 'rolled_back';
  if (failure === null || rollout.reason !== null) {
    await writeDeployed(site.folder.path, rollout.reason === null ? rollout.to : rollout.from);
  }
  if (outcome === 'done') await pruneReleases(cluster, rollout);
  const seconds = Math.round((Date.now() - started) / 1000);
  const entry: HistoryEntry = {
    ...{ id: plan.id, at: new Date().toISOString(), action: wanted.action, outcome },
    ...(asked ? { from: rollout.to, to: rollout.from } : { from: rollout.from, to: rollout.to }),
    ...{ reason: failure, seconds, backup: journal.backup },
  };
  await addHistory(site.folder.path, entry);
  // As long as a replica is missing it is not over: "psactl rollback" goes on from here.
  if (lost.length === 0) await endRolloutJournal(site.folder);
  const ops = outcome === 'done' ? await carryAfterRollout(cluster, progress) : null;
  await notify(wanted.notify, site, entry).catch((error) => note(`Unable to notify: ${said(error)}`));
  return {
    ...{ id: plan.id, ended: outcome, to: entry.to, from: entry.from, reason: failure, seconds },
    ...{ backup: journal.backup, replicas: plan.replicas.length, lost, notes, ops },
  };
}

/** Brings the release into containers, a few at a time; nothing that runs notices. */
async function installIn(
  ids: readonly number[],
  cluster: Cluster,
  archive: Archive,
  progress: Progress,
): Promise<void> {
  progress.start(`Install ${archive.version}`, ids.length);
  await pooled(ids, 3, async (id) => {
    await cluster.must(id, [PSA_RELEASE, 'install', archive.version], {
      stdin: archive.content,
      timeoutMs: 10 * 60_000,
    });
    progress.advance();
  });
}

/** What is no longer needed goes; what could be gone back to stays. */
async function pruneReleases(cluster: Cluster, rollout: Rollout): Promise<void> {
  const { containers, inventory } = cluster.site;
  const ours = containers.filter(({ group }) => group in rollout.to);
  await pooled(ours, AT_ONCE, ({ id }) =>
    cluster.exec(id, [PSA_RELEASE, 'prune', String(inventory.releases.keep)]).catch(() => null),
  );
}
