import { lasting } from '@psa/recovery/dr/duration';
import { SCENARIO } from '@psa/recovery/dr/scenario';
import type { DrStep, StepKind } from '@psa/recovery/dr/step';
import { identityOf } from '../backup/recipients.ts';
import { CliError } from '../errors.ts';
import { withLock } from '../lock.ts';
import { Cluster } from '../site/cluster.ts';
import { withClusterLock } from '../site/cluster-lock.ts';
import { readDrState, writeDrState } from '../site/dr-state.ts';
import { type OpenSite, withSite } from '../site/site.ts';
import { ACTS, type Done, folderOf, type SiteWork, startAgain, tell } from './acts.ts';
import { DrJournal } from './dr-journal.ts';
import type { Prepared } from './facts.ts';
import { fenceSite } from './fence.ts';
import { leaveIfPossible } from './left.ts';
import { signsOfLife } from './life.ts';
import type { DrContext } from './pair.ts';
import { takeSecrets } from './secrets.ts';

/** A step that was done. */
export interface StepDone extends Done {
  readonly id: StepKind;
  /** `before`: an earlier run had done it. `left_out`: what came before it was enough. */
  readonly outcome: 'done' | 'before' | 'left_out';
  readonly ms: number;
}

/** What came of it. */
export interface FailedOver {
  readonly scenario: string;
  readonly site: string;
  readonly steps: readonly StepDone[];
  /** From the first step of the first run to the end, in ms. */
  readonly rto_ms: number;
  /** So much of what was written before is lost, by the copy that was taken; null: nothing. */
  readonly rpo_ms: number | null;
  readonly resumed: boolean;
}

/**
 * Carries out a plan: step by step, each written down before it is begun. Cut off at any moment and run again, it goes on
 * with the step that was not done; each of them may be done twice.
 */
export async function failOver(outer: DrContext, prepared: Prepared): Promise<FailedOver> {
  const { plan, to, resumes, copies, facts } = prepared;
  const at = { ...outer, options: { ...outer.options, site: to.site.name } };
  return withSite(at, (open) =>
    locked(open, 'psactl dr failover', outer, async (context) => {
      const journal = await DrJournal.open(open.folder, resumes?.run ?? null);
      const began = resumes ? Date.parse(resumes.since) : Date.now();
      try {
        if (resumes) journal.add({ event: 'again', what: plan.scenario });
        else
          journal.add({
            ...{ event: 'begin', what: plan.scenario },
            copies: Object.values(copies).map(({ id }) => id),
            ...(facts.standby !== null && { warm: plan.warm }),
          });
        const work: SiteWork = {
          ...{ context, from: prepared.from, to: open, copies, named: facts.named },
          moment: plan.moment === null ? null : new Date(plan.moment),
          cluster: new Cluster(open, context.signal),
          identity: await identityOf(prepared.from, context.io.env),
        };
        const steps: StepDone[] = [];
        for (const step of plan.steps) steps.push(await doStep(work, prepared, step, journal, steps));
        journal.add({ event: 'end' });
        const rto_ms = Date.now() - began;
        return {
          ...{ scenario: plan.scenario, site: to.site.name, steps, rto_ms },
          ...{ rpo_ms: lossOf(prepared, began, steps), resumed: resumes !== null },
        };
      } finally {
        journal.close();
      }
    }),
  );
}

/**
 * Runs `work` while no other psactl moves the platform to this site: none of this machine, by its folder, and none of
 * another one, by the site's own nodes.
 * @throws CliError with exit code 11 while another one does
 */
export async function locked<T>(
  site: OpenSite,
  what: string,
  context: DrContext,
  work: (context: DrContext) => Promise<T>,
): Promise<T> {
  const { folder } = site;
  await folder.make();
  return withLock(folder.file('dr-lock'), 0, 'the failover of this site', () =>
    withClusterLock(site, { name: 'dr', what, signal: context.signal }, (signal) =>
      work({ ...context, signal }),
    ),
  );
}

/** What was written between what was taken and the beginning. */
function lossOf({ plan, resumes }: Prepared, began: number, steps: readonly StepDone[]): number | null {
  if (plan.warm) {
    const until = steps.find((one) => one.until !== undefined)?.until ?? resumes?.until;
    return until ? Math.max(0, began - Date.parse(until)) : plan.rpo_ms;
  }
  if (plan.moment !== null) return Math.max(0, began - Date.parse(plan.moment));
  const { database } = plan.copies;
  return database ? Math.max(0, began - Date.parse(database.at)) : null;
}

/** What is looked at again however often it was done: it may have changed since. */
const ALWAYS: readonly StepKind[] = ['look'];

async function doStep(
  work: SiteWork,
  prepared: Prepared,
  { id, what }: DrStep,
  journal: DrJournal,
  before: readonly StepDone[],
): Promise<StepDone> {
  work.context.signal.throwIfAborted();
  if (prepared.resumes?.done.has(id) && !ALWAYS.includes(id)) return { id, outcome: 'before', ms: 0 };
  if (id === 'container' && before.some((one) => one.id === 'restart' && one.text === ENOUGH))
    return { id, outcome: 'left_out', ms: 0 };
  work.context.progress.start(what);
  journal.add({ event: 'started', step: id });
  const began = performance.now();
  try {
    const done = await act(work, prepared, id);
    const ms = Math.round(performance.now() - began);
    journal.add({ event: 'done', step: id, ms, ...done });
    return { id, outcome: 'done', ms, ...done };
  } catch (error) {
    journal.add({ event: 'failed', step: id, text: (error as Error).message });
    throw error;
  }
}

/** The container runs again, so nothing of it is restored. */
const ENOUGH = 'that was enough';

async function act(work: SiteWork, prepared: Prepared, id: StepKind): Promise<Done> {
  const { context, from } = work;
  switch (id) {
    case 'look':
      await lookAgain(work, prepared);
      return ACTS.look(work);
    case 'restart':
      return { text: (await startAgain(work)) ? ENOUGH : 'that was not enough' };
    case 'fence': {
      const { by, stopped } = await fenceSite(context, from);
      return { text: by === 'hook' ? 'by dr.hooks.fence' : `${stopped.length} containers stopped` };
    }
    case 'secrets':
      return takeOver(work);
    case 'claim': {
      const done = await claim(work, 0);
      await leaveIfPossible(work.cluster, prepared.plan.warm);
      return done;
    }
    case 'switch': {
      const done = await ACTS.switch(work);
      await serves(work);
      await leaveIfPossible(work.cluster);
      return done;
    }
    case 'notify':
      return tell(work, messageOf(prepared));
    case 'hush':
    case 'save':
    case 'compare':
    case 'promote':
    case 'carry':
    case 'ready':
    case 'copy':
    case 'follow':
      throw new TypeError(`"${id}" is no step of a failover`);
    default:
      return ACTS[id](work);
  }
}

/** The plan was shown, and a person has thought about it: the old site may have come back meanwhile. */
async function lookAgain({ context, from }: SiteWork, { plan, facts }: Prepared): Promise<void> {
  if (SCENARIO[plan.scenario].goes_on === 'here' || facts.fence) return;
  const life = await signsOfLife(from, context.signal);
  if (life.length === 0) return;
  throw new CliError(`Unable to fail over: the site ${from.site.name} is not gone.`, {
    code: 'SITE_ALIVE',
    why: `${life.join(', ')}.`,
    fix: 'Two sites that serve would each take writes. If it must not serve any more, add --fence.',
  });
}

/** From here on the site that takes over is the later one: the edge of the other one sees it, and stops. */
async function takeOver(work: SiteWork): Promise<Done> {
  const { to, copies, identity } = work;
  const ids = { secrets: copies.secrets!.id, ...(copies.releases && { releases: copies.releases.id }) };
  return claim(work, await takeSecrets(to, folderOf(to), ids, identity));
}

/** @param theirs the number of the failover since which the other site served, as a copy says; 0: nobody knows more than this machine */
async function claim({ to, from }: SiteWork, theirs: number): Promise<Done> {
  const [own, old] = [await readDrState(to.folder), await readDrState(from.folder)];
  // Run again, it counts no further.
  const epoch =
    own.role === 'filling' ? Math.max(own.epoch, theirs + 1) : Math.max(theirs, own.epoch, old.epoch) + 1;
  const since = new Date().toISOString();
  await writeDrState(to.folder, { epoch, role: 'filling', since });
  await writeDrState(from.folder, { ...old, role: 'fenced', since });
  return { text: `failover ${epoch}` };
}

async function serves({ to, from }: SiteWork): Promise<void> {
  if (to.site.name === from.site.name) return;
  const { epoch } = await readDrState(to.folder);
  await writeDrState(to.folder, { epoch, role: 'serving', since: new Date().toISOString() });
}

function messageOf({ plan, from, to, facts }: Prepared): string {
  const lost =
    plan.rpo_ms === null ? '' : ` What was written in the last ${lasting(plan.rpo_ms)} before is lost.`;
  const where =
    from.site.name === to.site.name
      ? `on ${to.site.name}`
      : `on ${to.site.name} in place of ${from.site.name}`;
  return `${facts.appliance}: ${plan.title}. The platform goes on ${where}.${lost}`;
}
