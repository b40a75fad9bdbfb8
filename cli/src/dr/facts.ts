import type { DrFacts, DrRefusal, StandbyFacts } from '@psa/recovery/dr/facts';
import { type DrPlan, planFailover } from '@psa/recovery/dr/plan';
import { SCENARIO, type Scenario } from '@psa/recovery/dr/scenario';
import { readShelf } from '@psa/recovery/shelf';
import { type CliError, usage } from '../errors.ts';
import { planPitr } from '../restore/pitr.ts';
import { Cluster } from '../site/cluster.ts';
import { storesOf } from '../site/generations.ts';
import { type KnownSite, readSite, withSite } from '../site/site.ts';
import { type ChosenCopies, findCopies, newestCopies } from './copies.ts';
import { type DrLine, measuredSteps, readDrJournal, type Unfinished, unfinished } from './dr-journal.ts';
import { type Learned, learnPair } from './left.ts';
import { signsOfLife } from './life.ts';
import { type DrContext, type Pair, readPair } from './pair.ts';
import { askStandby, standbyFacts } from './standby.ts';

/** What somebody wants done. */
export interface DrWish {
  readonly scenario: Scenario;
  /** The container or the node that failed. */
  readonly named: string | null;
  /** Copies from before that moment only. */
  readonly before: Date | null;
  readonly fence: boolean;
  /** What was cut off is not gone on with. */
  readonly anew: boolean;
}

/** A plan, and what it was made from. */
export interface Prepared {
  readonly plan: DrPlan;
  readonly facts: DrFacts;
  /** The site that serves, or did. */
  readonly from: KnownSite;
  /** The one on which the platform goes on. */
  readonly to: KnownSite;
  readonly copies: ChosenCopies;
  /** An earlier run of the same that was cut off. */
  readonly resumes: Unfinished | null;
  /** Places whose copies could not be read. */
  readonly unread: readonly string[];
}

/** Looks at what is left, and plans. Changes nothing. @throws CliError when another failover was cut off */
export async function prepareFailover(context: DrContext, wish: DrWish): Promise<Prepared> {
  const { io, signal, progress } = context;
  const { goes_on, names } = SCENARIO[wish.scenario];
  const isThere = goes_on === 'there';
  progress.start('look at what is left');
  const { pair, learned } = isThere
    ? await learnPair(context, 'standby')
    : { pair: await readPair(context), learned: null };
  const from = isThere && pair ? pair.serving.known : await readSite(context);
  const other = pair?.other.known ?? null;
  const to = isThere ? (other ?? from) : from;
  checkNamed(from, wish.named, names);
  const resumes = wish.anew ? null : cutOff(to, wish.scenario);
  const [found, life, container_bytes, log, standby] = await Promise.all([
    findCopies(from, io, signal),
    isThere ? signsOfLife(from, signal) : [],
    names === 'container' ? newestArchive(from, wish.named) : null,
    !isThere && names === null && wish.before ? logAt(context, from, wish.before) : null,
    isThere && pair ? standbyOf(context, pair, resumes, learned, wish.anew) : null,
  ]);
  const copies = resumes
    ? sameCopies(resumes, newestCopies(found, wish.before), found.all)
    : newestCopies(found, wish.before);
  const { hooks } = from.inventory.dr ?? {};
  const facts: DrFacts = {
    ...{
      now: new Date(),
      appliance: from.inventory.name,
      from: from.site.name,
      life,
      copies,
      container_bytes,
    },
    ...{
      to: other?.site.name ?? null,
      named: wish.named,
      before: wish.before,
      by_log: log === 'reaches',
      fence: wish.fence,
      standby,
      unsure: learned?.unsure ?? begunElsewhere(pair, learned, resumes, wish.anew),
    },
    hooks: {
      ...{ fence: hooks?.fence !== undefined, switch: hooks?.switch !== undefined },
      notify: hooks?.notify !== undefined,
    },
    measured: measuredOf([from, ...(other ? [other] : [])]),
  };
  progress.end();
  return {
    plan: planFailover(wish.scenario, facts),
    facts,
    from,
    to,
    copies,
    resumes,
    unread: [
      ...found.unread,
      ...(standby?.why_not ? [`What follows cannot take over: ${standby.why_not}`] : []),
      ...(log === null || log === 'reaches' ? [] : [log]),
    ],
  };
}

/** What follows; of a failover that was cut off it is what that has begun with. */
async function standbyOf(
  context: DrContext,
  pair: Pair,
  resumes: Unfinished | null,
  learned: Learned | null,
  anew: boolean,
): Promise<StandbyFacts | null> {
  const { folder } = pair.other.known;
  // Begun anew, it is the same database that had begun to take over.
  const begun = resumes ?? (pair.other.state.role === 'filling' ? unfinished(readDrJournal(folder)) : null);
  if (begun === null && pair.other.state.role === 'filling' && learned?.begun && anew)
    return { why_not: learned.begun.warm ? null : 'It was begun with copies.', loss_ms: null };
  if (begun === null) return standbyFacts(await askStandby(context, pair), pair);
  if (begun.warm === null) return null;
  if (!begun.warm) return { why_not: 'It was begun with copies.', loss_ms: null };
  const { until } = begun;
  return {
    why_not: null,
    loss_ms: until === null ? null : Math.max(0, Date.parse(begun.since) - Date.parse(until)),
  };
}

/** Its journal is on the machine that has begun it, and only that one knows what was done. */
function begunElsewhere(
  pair: Pair | null,
  learned: Learned | null,
  resumes: Unfinished | null,
  anew: boolean,
): DrRefusal | null {
  if (pair?.other.state.role !== 'filling' || !learned?.begun || resumes || anew) return null;
  const { by, since } = learned.begun;
  return {
    why: `A failover to ${pair.other.known.site.name} was begun by ${by}${since === null ? '' : ` at ${since}`}, and has not ended.`,
    fix: 'Run it again there: it goes on where it was. Where that machine is lost, too, begin with the first step: --anew.',
  };
}

/** What earlier failovers of these sites took, the newest first. */
export function measuredOf(sites: readonly KnownSite[]) {
  const lines: DrLine[] = sites.flatMap(({ folder }) => readDrJournal(folder));
  return measuredSteps(lines.toSorted((a, b) => (a.at < b.at ? -1 : 1)));
}

function checkNamed(known: KnownSite, named: string | null, kind: 'container' | 'node' | null): void {
  if (named === null || kind === null) return;
  const list =
    kind === 'container'
      ? known.containers.map(({ name }) => name)
      : known.site.nodes.map(({ name }) => name);
  if (!list.includes(named))
    throw usage(`Unable to find the ${kind} "${named}" in the inventory.`, `Known are: ${list.join(', ')}.`);
}

/** Its bytes, by what stands beside it: the site is not asked. */
async function newestArchive(known: KnownSite, name: string | null): Promise<number | null> {
  const id = known.containers.find((one) => one.name === name)?.id;
  const shelves = await Promise.all(storesOf(known).map(({ folder }) => readShelf(folder).catch(() => [])));
  const found = shelves.flat().find(({ series }) => series === `container-${id}`);
  return found?.manifest?.bytes ?? null;
}

/** @throws CliError when it is another one that was cut off */
function cutOff({ folder }: KnownSite, what: string): Unfinished | null {
  const open = unfinished(readDrJournal(folder));
  if (open === null || open.what === what) return open;
  throw usage(
    `Unable to begin: "${open.what}" of ${open.since} was cut off.`,
    `Run it again to end it${open.what === 'failback' ? ' (psactl dr failback)' : ` (psactl dr failover --scenario ${open.what})`}, or begin with this one all the same: --anew.`,
  );
}

/** What was begun with one copy is not ended with another. */
function sameCopies(
  { copies }: Unfinished,
  newest: ChosenCopies,
  all: readonly NonNullable<ChosenCopies['database']>[],
): ChosenCopies {
  const same = all.filter(({ id }) => copies.includes(id));
  return { ...newest, ...Object.fromEntries(same.toReversed().map((one) => [one.kind, one])) };
}

/** Whether the database can be had as it was then; else why not, for people. */
async function logAt(context: DrContext, known: KnownSite, before: Date): Promise<string> {
  const at = { ...context, options: { ...context.options, site: known.site.name } };
  try {
    return await withSite(at, async (site) => {
      await planPitr(new Cluster(site, context.signal), before, {});
      return 'reaches';
    });
  } catch (error) {
    context.signal.throwIfAborted();
    const { message, why } = error as CliError;
    return `the log of the database: ${message}${why === undefined ? '' : ` ${why}`}`;
  }
}
