import type { Container } from '@psa/appliance/inventory/expand';
import { standbyLoss } from '@psa/recovery/dr/standby';
import type { StepKind } from '@psa/recovery/dr/step';
import { applySite, planSite, refuseProblems } from '../apply/apply.ts';
import { wishOf } from '../apply/plan-options.ts';
import { CliError } from '../errors.ts';
import { planContainer, restoreContainer } from '../restore/container.ts';
import { planDatabase, restoreDatabase } from '../restore/database.ts';
import { planPitr, restorePitr } from '../restore/pitr.ts';
import { planRedis, restoreRedis } from '../restore/redis.ts';
import type { Cluster } from '../site/cluster.ts';
import { readDeployed } from '../site/deployed.ts';
import { generationsOf, siteNameOf } from '../site/generations.ts';
import { runHook } from '../site/hook.ts';
import { migrateDatabase } from '../site/migrate.ts';
import { lookAt, restart } from '../site/replicas.ts';
import type { KnownSite, OpenSite } from '../site/site.ts';
import { smokeEdge } from '../site/smoke.ts';
import { clearDatabase, handedOverMs, openDatabase, stopFollowing } from '../site/standby.ts';
import { bringCopy, type ChosenCopies } from './copies.ts';
import type { DrContext } from './pair.ts';
import { edgeOf } from './secrets.ts';

/** What the steps on a site work with. */
export interface SiteWork {
  readonly context: DrContext;
  readonly cluster: Cluster;
  readonly from: KnownSite;
  readonly to: OpenSite;
  readonly copies: ChosenCopies;
  /** The secret key that opens backups, if it is on this machine. */
  readonly identity: string | null;
  /** The container or node that failed. */
  readonly named: string | null;
  /** The database is brought to this moment from its log; null: it is restored from a copy. */
  readonly moment: Date | null;
}

/** What came of a step, beside that it is done. */
export interface Done {
  readonly bytes?: number;
  readonly text?: string;
  /** The database has what was written until then; ISO 8601. */
  readonly until?: string;
}

/** Where copies stand on the site that takes over. */
export const folderOf = (site: KnownSite): string => generationsOf(site)[0]!.folder;

const services = ({ to }: SiteWork) =>
  to.containers.filter(({ group }) => to.inventory.services.some(({ name }) => name === group));

/** Brings the newest copies to the folder of the site that takes over. */
export async function fetchCopies({ to, copies, identity, context }: SiteWork): Promise<Done> {
  const list = Object.values(copies);
  context.progress.start('Bring copies', list.length);
  for (const copy of list) {
    await bringCopy(copy, folderOf(to), identity);
    context.progress.advance();
  }
  return { bytes: list.reduce((sum, { bytes }) => sum + bytes, 0) };
}

/** As `psactl apply` does, and with the same refusals. */
export async function build({ context, to }: SiteWork): Promise<Done> {
  const wish = { ...wishOf({}, to), schedule: 'later' as const, mayGrow: true };
  const looked = await planSite(to, wish, context);
  refuseProblems(looked.plan, to.site);
  const { steps } = await applySite(to, looked, wish, context);
  const failed = steps.filter(({ outcome }) => outcome !== 'done');
  if (failed.length > 0)
    throw new CliError(
      `Unable to build the appliance on ${to.site.name}: ${failed.length} of ${steps.length} steps were not done.`,
      {
        why: failed
          .slice(0, 3)
          .map((one) => JSON.stringify(one))
          .join('\n'),
        fix: `See "psactl apply --site ${to.site.name}", then run this again.`,
      },
    );
  return { text: `${steps.length} steps` };
}

/** Stops the services, so that nobody writes. */
export async function quiet(work: SiteWork): Promise<Done> {
  await Promise.all(
    services(work).map(async ({ id, group }) => {
      if ((await work.cluster.find(id))?.status !== 'running') return;
      await work.cluster.must(id, ['systemctl', 'stop', `psa@${group}.service`]);
    }),
  );
  return {};
}

/** How long services may take to be ready together. */
const READY_MS = 5 * 60_000;

/** Starts them, and waits until each is ready. */
export async function start(work: SiteWork): Promise<Done> {
  const { cluster } = work;
  const running: Container[] = [];
  for (const one of services(work)) if ((await cluster.find(one.id))?.status === 'running') running.push(one);
  await Promise.all(running.map((one) => restart(cluster, one)));
  await Promise.all(
    running.map((one) => cluster.until(one.name, READY_MS, async () => (await lookAt(cluster, one)).unready)),
  );
  return {};
}

async function database({ cluster, copies, from, context, moment }: SiteWork): Promise<Done> {
  if (moment !== null) {
    const ready = await planPitr(cluster, moment, {});
    const { to, tables, replaces } = await restorePitr(cluster, ready, context.progress);
    return {
      text: `${tables} tables as at ${to}${replaces ? `; what was there is "${replaces.kept_as}"` : ''}`,
    };
  }
  const copy = copies.database!;
  const ready = await planDatabase(cluster, { backup: copy.id, of: siteNameOf(from) });
  const { tables, replaces } = await restoreDatabase(cluster, ready, context.progress);
  const kept = replaces ? `; what was there is "${replaces.kept_as}"` : '';
  return { bytes: copy.bytes, text: `${tables} tables of ${copy.at}${kept}` };
}

async function redis({ cluster, copies, from, identity, context }: SiteWork): Promise<Done> {
  const copy = copies.redis!;
  const ready = await planRedis(cluster, copy.id, identity, siteNameOf(from));
  const { keys_after } = await restoreRedis(cluster, ready, context.progress);
  return { bytes: copy.bytes, text: `${keys_after} keys` };
}

async function migrate(work: SiteWork): Promise<Done> {
  const { cluster, to } = work;
  const deployed = await readDeployed(to.folder.path);
  const one = services(work)[0]!;
  await migrateDatabase(cluster, one.id, deployed[one.group] ?? to.inventory.releases.version);
  return {};
}

/** Starts a container, or the service in it, again. @returns whether that was enough */
export async function startAgain({ cluster, to, named }: SiteWork): Promise<boolean> {
  const container = to.containers.find(({ name }) => name === named)!;
  const found = await cluster.find(container.id);
  if (found === null) return false;
  try {
    if (found.status !== 'running')
      await to.client.run(
        'POST',
        `/nodes/${found.node}/lxc/${container.id}/status/start`,
        {},
        { signal: cluster.signal },
      );
    if (to.inventory.services.some(({ name }) => name === container.group)) await restart(cluster, container);
    await cluster.until(container.name, 60_000, async () => (await lookAt(cluster, container)).unready);
    return true;
  } catch (error) {
    cluster.signal.throwIfAborted();
    void error;
    return false;
  }
}

async function restoreNamed({ cluster, named, context }: SiteWork): Promise<Done> {
  const wish = { container: named!, backup: 'latest', as: null, address: null };
  const { backup, duration_ms } = await restoreContainer(
    cluster,
    await planContainer(cluster, wish),
    context.progress,
  );
  return { text: `${backup} in ${Math.round(duration_ms / 1000)} s` };
}

/** Whether the node is gone and the cluster can decide without it. @throws CliError when not */
async function lookForNode({ cluster, named }: SiteWork): Promise<Done> {
  const status = await cluster.get<readonly Record<string, unknown>[]>('/cluster/status');
  const node = status.find(({ type, name }) => type === 'node' && name === named);
  if (Number(node?.online) === 1)
    throw new CliError(`Unable to treat ${named} as lost: it is online.`, {
      fix: 'A container of it that has failed: --scenario container-failed --container NAME.',
    });
  const head = status.find(({ type }) => type === 'cluster');
  if (head && Number(head.quorate) !== 1)
    throw new CliError('Unable to go on: the cluster has no quorum.', {
      fix: 'Bring another node back. When all are lost: --scenario cluster-lost.',
    });
  return {};
}

/** HA fences a dead node after two minutes and starts its containers elsewhere. */
const RELOCATE_MS = 10 * 60_000;

/** Until each service has a replica that runs on a node that is there. */
async function relocated({ cluster, to, named }: SiteWork): Promise<Done> {
  await cluster.until('the services on the nodes that are left', RELOCATE_MS, async () => {
    const placed = await cluster.placed();
    const without = to.inventory.services.filter(
      ({ name }) =>
        !placed.some(
          ({ container, node, state }) => container.group === name && node !== named && state === 'running',
        ),
    );
    return without.length === 0 ? null : `${without.map(({ name }) => name).join(', ')} run nowhere else yet`;
  });
  return {};
}

/** The last pieces, and no more: what has come is all that there will be. */
async function catchUp({ cluster, to }: SiteWork): Promise<Done> {
  const state = await stopFollowing(cluster);
  const lost = standbyLoss(state, handedOverMs(to.inventory));
  if (lost === null) return {};
  const until = new Date(state.now - lost).toISOString();
  return { until, text: `the database has what was written until ${until}` };
}

async function lead({ context, from, to }: SiteWork): Promise<Done> {
  const line = to.inventory.dr?.hooks?.switch;
  if (line === undefined) {
    const text = `Lead the clients to ${to.site.name} by hand: no dr.hooks.switch is given.`;
    context.progress.note(text);
    return { text };
  }
  const env = { ...context.io.env, PSA_DR_FROM: from.site.name, PSA_DR_TO: to.site.name };
  await runHook(line, { field: 'dr.hooks.switch', env, signal: context.signal });
  return {};
}

/** Tells people, by the inventory's hook. @param text what happened */
export async function tell({ context, from, to }: SiteWork, text: string): Promise<Done> {
  const { hooks, contacts = [] } = to.inventory.dr ?? {};
  const lines = contacts.map(
    ({ name, role, phone, mail }) => `${name} (${role}): ${[phone, mail].filter(Boolean).join(', ')}`,
  );
  if (hooks?.notify === undefined) {
    context.progress.note(lines.length === 0 ? text : `Tell: ${lines.join('; ')}`);
    return { text: 'no dr.hooks.notify is given' };
  }
  const env = {
    ...context.io.env,
    ...{ PSA_DR_FROM: from.site.name, PSA_DR_TO: to.site.name },
    PSA_DR_MAILS: contacts.flatMap(({ mail }) => mail ?? []).join(','),
  };
  const input = `${text}\n\n${lines.join('\n')}\n`;
  await runHook(hooks.notify, { field: 'dr.hooks.notify', env, signal: context.signal, input });
  return {};
}

const smoke = async ({ cluster, to }: SiteWork): Promise<Done> => {
  await smokeEdge(cluster, await edgeOf(to));
  return {};
};

/** Steps that take no more than the site; the others are failover.ts's and failback.ts's. */
type SiteStep = Extract<
  StepKind,
  | 'look'
  | 'fetch'
  | 'build'
  | 'container'
  | 'relocate'
  | 'quiet'
  | 'database'
  | 'redis'
  | 'migrate'
  | 'start'
  | 'smoke'
  | 'switch'
  | 'catch_up'
  | 'open'
  | 'wake'
  | 'clear'
>;

/** What each of them does on the site that the platform goes on. */
export const ACTS: Readonly<Record<SiteStep, (work: SiteWork) => Promise<Done>>> = {
  look: async (work) => (work.named === null ? {} : lookForNode(work)),
  fetch: fetchCopies,
  ...{ build, quiet, database, redis, migrate, start, smoke },
  container: restoreNamed,
  relocate: relocated,
  switch: lead,
  catch_up: catchUp,
  open: async ({ cluster }) => {
    await openDatabase(cluster);
    return {};
  },
  wake: build,
  clear: async ({ cluster }) => {
    await clearDatabase(cluster);
    return {};
  },
};
