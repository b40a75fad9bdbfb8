import type { Releases } from '@psa/appliance/deploy/rollout';
import type { DesiredContainer } from '@psa/appliance/plan/desired';
import { isStale } from '@psa/appliance/plan/plan-contents';
import { CliError } from '../errors.ts';
import { othersServe } from '../site/beside.ts';
import type { Cluster } from '../site/cluster.ts';
import { addHistory, readDeployed } from '../site/deployed.ts';
import { lookAtServices, releasesOf, rollOut } from '../site/rollout.ts';
import {
  endRolloutJournal,
  type RolloutJournal,
  readRolloutJournal,
  rolloutId,
  writeRolloutJournal,
} from '../site/rollout-journal.ts';

const idsOf = (some: readonly DesiredContainer[]) => new Set(some.map(({ id }) => id));

/** As `psactl deploy` has them unless it is told otherwise. */
const TIMES = { drainMs: 30_000, readyMs: 90_000, proveMs: 10_000 };

/**
 * Brings release and contents into replicas that serve, one after the other and each drained: the rollout of
 * `psactl deploy`. A release that does not get ready is taken back. Before any is touched those beside them must serve:
 * a rollout that stops half way would be taken back, by each apply anew.
 */
export async function exchange(
  cluster: Cluster,
  replicas: readonly DesiredContainer[],
  beside: readonly DesiredContainer[],
  tools: { note(text: string): void; configure(container: DesiredContainer): Promise<void> },
): Promise<void> {
  const { folder } = cluster.site;
  const started = Date.now();
  const taken = replicas.filter(({ group }) => beside.some((one) => one.group === group));
  await othersServe(cluster, taken.map(({ name }) => name).join(', '), beside, 'all', tools.note);
  const to: Releases = Object.fromEntries(replicas.map(({ group, release }) => [group, release!]));
  const seen = await lookAtServices(cluster, Object.keys(to));
  const before = await readRolloutJournal(folder);
  const from = { ...releasesOf(seen, await readDeployed(folder.path)), ...before?.rollout.from };
  const desiredOf = (id: number) => replicas.find((one) => one.id === id)!;
  let journal: RolloutJournal = {
    id: before?.id ?? rolloutId('apply', [...new Set(Object.values(to))].join('-')),
    ...{ action: 'apply', startedAt: before?.startedAt ?? new Date(started).toISOString(), phase: 'roll' },
    ...{ rollout: { to, from, reason: null }, backup: null },
  };
  await writeRolloutJournal(folder, journal);
  const { rollout, lost } = await rollOut(
    cluster,
    journal.rollout,
    {
      ...TIMES,
      among: { turns: idsOf(replicas), beside: idsOf(beside) },
      isStale: ({ id }, inside) => isStale(desiredOf(id), inside),
      freshen: ({ id }) => tools.configure(desiredOf(id)),
    },
    {
      begin() {},
      advance() {},
      note: tools.note,
      async save(turned) {
        journal = { ...journal, rollout: turned };
        await writeRolloutJournal(folder, journal);
      },
    },
  );
  const { reason } = rollout;
  const isOther = Object.keys(to).some((service) => from[service] !== to[service]);
  if (isOther)
    await addHistory(folder.path, {
      ...{ id: journal.id, at: new Date().toISOString(), action: 'apply', from, to, reason, backup: null },
      outcome: reason === null ? 'done' : lost.length > 0 ? 'failed' : 'rolled_back',
      seconds: Math.round((Date.now() - started) / 1000),
    });
  // As long as a replica is missing it is not over: "psactl rollback" goes on from here, and so does the next apply.
  if (lost.length === 0) await endRolloutJournal(folder);
  if (reason === null) return;
  throw new CliError('Unable to exchange the replicas: they went back to what ran before.', {
    why: [reason, ...lost.map(({ replica, why }) => `not brought back: ${replica}: ${why}`)]
      .join('; ')
      .concat('.'),
    fix: 'See "psactl logs" of the replica that is named. "psactl apply" tries again.',
  });
}
