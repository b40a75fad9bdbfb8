import { contentsArchive } from '@psa/appliance/contents/archive';
import { contentsOf } from '@psa/appliance/contents/contents';
import { rotationOf, silentEdges } from '@psa/appliance/parts/haproxy-stats';
import { partOf } from '@psa/appliance/parts/parts';
import type { DesiredContainer } from '@psa/appliance/plan/desired';
import type { Step } from '@psa/appliance/plan/step';
import { CliError } from '../errors.ts';
import { readArchive } from '../site/archive.ts';
import { othersServe } from '../site/beside.ts';
import type { Cluster } from '../site/cluster.ts';
import type { SecretRecord } from '../site/folder.ts';
import { HaproxyControl } from '../site/haproxy-control.ts';
import { answersOf, askPart, lookInto, PSA_CONFIG, PSA_RELEASE, partTrouble } from '../site/look.ts';
import { lastWords, lookAt, restart } from '../site/replicas.ts';

/** Installs a container's files and starts its units. */
export async function configure(
  cluster: Cluster,
  step: Step,
  container: DesiredContainer,
  secrets: SecretRecord,
): Promise<void> {
  const { inventory, site } = cluster.site;
  const { tar } = contentsArchive(contentsOf(inventory, site, container, secrets));
  const isTurn = step.rolling && container.kind === 'data';
  const silent = isTurn && container.group === 'haproxy' ? await silentOthers(cluster, container) : undefined;
  await cluster.must(container.id, [PSA_CONFIG, 'apply'], { stdin: tar, timeoutMs: 10 * 60_000 });
  // The next member's turn comes when this one is well again.
  if (isTurn) await waitForPart(cluster, container.group, silent);
}

/**
 * The other edges that said nothing before this one's turn. Those of a site that was failed over stand still until they
 * are configured themselves, which comes after this one: to wait for them would be to wait for ever.
 */
async function silentOthers(cluster: Cluster, { id, group }: DesiredContainer): Promise<ReadonlySet<number>> {
  const answers = (await askPart(cluster, group)) ?? [];
  return silentEdges(answers.filter(({ container }) => container.id !== id));
}

export async function install(cluster: Cluster, container: DesiredContainer): Promise<void> {
  const version = container.release!;
  const installed = (await cluster.must(container.id, [PSA_RELEASE, 'list'])).split(/\s+/);
  if (installed.includes(version)) return;
  const { releases } = cluster.site.inventory;
  await cluster.must(container.id, [PSA_RELEASE, 'install', version], {
    stdin: await readArchive(cluster.site, version),
    timeoutMs: 10 * 60_000,
  });
  await cluster.exec(container.id, [PSA_RELEASE, 'prune', String(releases.keep)]);
}

/** Makes a release the current one, where nobody is served yet. */
export async function switchRelease(cluster: Cluster, container: DesiredContainer): Promise<void> {
  const { id, group, release } = container;
  await cluster.must(id, [PSA_RELEASE, 'switch', release!]);
  await cluster.exec(id, ['systemctl', 'try-restart', `psa@${group}.service`]);
}

/** What every service stands on. */
const FOUNDATIONS = ['postgres', 'rabbitmq', 'redis'] as const;
/** How long a service that runs may be unready before it is asked what it stands on. */
const UNREADY_MS = 60_000;

/**
 * Answers when a service says that it is ready. One that runs and stays unready while everything that it stands on is
 * well has lost its way there, and is restarted once.
 */
export async function waitReady(
  cluster: Cluster,
  container: DesiredContainer,
  note: (text: string) => void,
  now: () => number = () => performance.now(),
): Promise<void> {
  const { group, name } = container;
  const start = now();
  let isHealed = false;
  await cluster.until(name, 180_000, async () => {
    const { unready, running } = await lookAt(cluster, container);
    if (unready === null) return null;
    if (running === null) return `${unready}.${await lastWords(cluster, container)}`;
    if (!isHealed && now() - start > UNREADY_MS && (await foundationsAreWell(cluster))) {
      isHealed = true;
      note(`${name}: not ready (${unready}), though what it stands on is well; restarted`);
      await restart(cluster, container);
    }
    return unready;
  });
  const haproxy = new HaproxyControl(cluster);
  const views = (await haproxy.views()).filter((view) => view !== null);
  if (rotationOf(views, group, name) === 'drained') await haproxy.return(group, name, 30_000);
}

async function foundationsAreWell(cluster: Cluster): Promise<boolean> {
  const troubles = await Promise.all(FOUNDATIONS.map((part) => partTrouble(cluster, part)));
  return troubles.every((trouble) => trouble === null);
}

/**
 * Takes a replica out of rotation before it is stopped, wherever that is possible: others serve meanwhile. The last one
 * that does is not taken.
 * @param others of its service
 */
export async function takeOut(
  cluster: Cluster,
  { kind, group, name }: DesiredContainer,
  others: readonly DesiredContainer[],
  note: (text: string) => void,
): Promise<void> {
  if (kind !== 'service') return;
  const haproxy = new HaproxyControl(cluster);
  const views = (await haproxy.views()).filter((view) => view !== null);
  // An edge that is not there, or ill, gives it no requests either.
  if (rotationOf(views, group, name) === 'serving') await othersServe(cluster, name, others, 'one', note);
  await haproxy.drain(group, name, 30_000).catch((error: unknown) => {
    if (cluster.signal.aborted) throw error;
  });
}

/** Answers when one of those that stay serves: a replica that is too many goes then, and not as the last one. */
export async function keepServed(
  cluster: Cluster,
  name: string,
  rest: readonly DesiredContainer[],
  note: (text: string) => void,
): Promise<void> {
  const views = await new HaproxyControl(cluster).views();
  // Where no edge answers nobody is served.
  if (views.every((view) => view === null)) return;
  await othersServe(cluster, name, rest, 'one', note);
}

/** How long the other members of a data part are waited for: they may be choosing a new leader. */
const KEPT_MS = 120_000;

/**
 * Answers when the other members of a data part are well, so that this one may be stopped or removed: without it they
 * might have no majority, and its copy of the data may be the one that theirs are being made from. One that does not
 * run takes no part, so it may go.
 * @param others that stay, or are made anew later
 */
export async function keepData(
  cluster: Cluster,
  { id, name, group }: Pick<DesiredContainer, 'id' | 'name' | 'group'>,
  others: readonly DesiredContainer[],
): Promise<void> {
  const part = partOf(group);
  if (!part?.votes || others.length === 0 || (await cluster.find(id))?.status !== 'running') return;
  const troubleOfOthers = async () => {
    const placed = (await cluster.placed(group)).filter(({ container }) =>
      others.some((one) => one.id === container.id),
    );
    const targets = placed.flatMap(({ container, node, state }) =>
      node !== null && state === 'running' ? [{ container, node }] : [],
    );
    const { seen } = await lookInto(cluster, targets);
    const silent = others.find((one) => !seen.has(one.id));
    if (silent) return `${silent.name} does not answer`;
    return part.trouble(cluster.site.inventory, answersOf(seen, targets));
  };
  await cluster.until(`${group} without ${name}`, KEPT_MS, troubleOfOthers).catch((cause: unknown) => {
    if (!(cause instanceof CliError)) throw cause;
    throw new CliError(`Unable to take ${name} away: its copy of the data may be the only whole one.`, {
      why: `The other members of ${group} are not well: ${cause.why}.`,
      fix: `Wait until they are ("psactl status"), or mend them first. If its own copy is the broken one: pct stop ${id} on its node, then again.`,
      cause,
    });
  });
}

/** Answers when a data part is well as a whole. */
export const waitForPart = (cluster: Cluster, part: string, without?: ReadonlySet<number>): Promise<void> =>
  cluster.until(part, 5 * 60_000, () => partTrouble(cluster, part, without));
