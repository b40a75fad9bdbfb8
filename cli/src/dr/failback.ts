import { type FailbackPlan, planFailback } from '@psa/recovery/dr/failback';
import type { StepKind } from '@psa/recovery/dr/step';
import { ensureRecipients, identityOf } from '../backup/recipients.ts';
import { runBackup } from '../backup/run-backup.ts';
import { CliError, usage } from '../errors.ts';
import { Cluster } from '../site/cluster.ts';
import { readDrState, writeDrState } from '../site/dr-state.ts';
import { generationsOf, siteNameOf } from '../site/generations.ts';
import { compareRows } from '../site/rows.ts';
import { type OpenSite, withSite } from '../site/site.ts';
import { plural } from '../text.ts';
import { ACTS, build, type Done, folderOf, quiet, type SiteWork, tell } from './acts.ts';
import { bringCopy, type ChosenCopies, findCopies, newestCopies } from './copies.ts';
import { DrJournal, readDrJournal, type Unfinished, unfinished } from './dr-journal.ts';
import { measuredOf } from './facts.ts';
import { locked, type StepDone } from './failover.ts';
import { fenceSite } from './fence.ts';
import { learnPair, leaveIfPossible } from './left.ts';
import { type DrContext, needPair, type PairedSite } from './pair.ts';
import { carrySecrets } from './secrets.ts';

/** A failback that may be carried out. */
export interface PreparedFailback {
  readonly plan: FailbackPlan;
  readonly from: PairedSite;
  readonly to: PairedSite;
  readonly resumes: Unfinished | null;
}

/** What came of it. */
export interface FailedBack {
  readonly from: string;
  readonly site: string;
  readonly steps: readonly StepDone[];
  /** How long nobody could write, in ms; null: an earlier run had stopped the services. */
  readonly standing_ms: number | null;
  readonly total_ms: number;
  readonly resumed: boolean;
}

const WHAT = 'failback';

/** Looks at what this machine knows. @throws CliError when the primary serves already, or a failover was cut off */
export async function prepareFailback(context: DrContext, anew: boolean): Promise<PreparedFailback> {
  await learnPair(context, 'both');
  const { dr, serving, other } = await needPair(context);
  const isPrimary = ({ known }: PairedSite) => known.site.name === dr.primary;
  const [to, from] = isPrimary(serving) ? [serving, other] : [other, serving];
  const open = unfinished(readDrJournal(to.known.folder));
  if (isPrimary(serving) && open?.what !== WHAT)
    throw new CliError(`Unable to go back: ${dr.primary} serves already.`, {
      outcome: 'usage',
      fix: 'See "psactl dr status".',
    });
  const cutOff = unfinished(readDrJournal(from.known.folder));
  if (cutOff && !anew)
    throw usage(
      `Unable to go back: "${cutOff.what}" of ${cutOff.since} was cut off.`,
      `Run it again to end it first: psactl dr failover --scenario ${cutOff.what}`,
    );
  const names = { from: from.known.site.name, to: to.known.site.name };
  const plan = planFailback({ ...names, measured: measuredOf([to.known, from.known]) });
  const resumes = !anew && open?.what === WHAT ? open : null;
  return { plan, from, to, resumes };
}

/** What the steps of a failback work with: both sites, open. */
interface Both {
  readonly here: SiteWork;
  readonly there: SiteWork;
}

/** Carries it out, as a failover is: each step is written down, and what was cut off goes on. */
export async function failBack(outer: DrContext, prepared: PreparedFailback): Promise<FailedBack> {
  const { from, to, plan, resumes } = prepared;
  const at = (name: string) => ({ ...outer, options: { ...outer.options, site: name } });
  return withSite(at(plan.from), (source) =>
    withSite(at(plan.to), (target) =>
      locked(target, 'psactl dr failback', outer, async (context) => {
        const journal = await DrJournal.open(target.folder, resumes?.run ?? null);
        const began = Date.now();
        try {
          journal.add({ event: resumes ? 'again' : 'begin', what: WHAT });
          // A site that never backed anything up has no key yet, and what is saved here is opened again.
          await ensureRecipients(source);
          const identity = await identityOf(to.known, context.io.env);
          const workOf = (one: OpenSite, other: OpenSite): SiteWork => ({
            ...{ context, from: other, to: one, cluster: new Cluster(one, context.signal) },
            ...{ copies: {}, identity, named: null, moment: null },
          });
          const both = { here: workOf(target, source), there: workOf(source, target) };
          const steps: StepDone[] = [];
          const stood = { from: 0, to: 0 };
          let copies: ChosenCopies = {};
          for (const { id, what } of plan.steps) {
            context.signal.throwIfAborted();
            if (resumes?.done.has(id) && id !== 'look') {
              if (id === 'save') copies = await savedCopies(both, resumes.said.save ?? '');
              steps.push({ id, outcome: 'before', ms: 0 });
              continue;
            }
            context.progress.start(what);
            journal.add({ event: 'started', step: id });
            const start = performance.now();
            if (id === 'hush') stood.from = start;
            try {
              const done = await act({ ...both, here: { ...both.here, copies } }, from, id);
              if (id === 'save') copies = await savedCopies(both, done.text ?? '');
              const ms = Math.round(performance.now() - start);
              journal.add({ event: 'done', step: id, ms, ...done });
              steps.push({ id, outcome: 'done', ms, ...done });
            } catch (error) {
              journal.add({ event: 'failed', step: id, text: (error as Error).message });
              throw error;
            }
            if (id === 'switch') stood.to = performance.now();
          }
          journal.add({ event: 'end' });
          return {
            ...{ from: plan.from, site: plan.to, steps, total_ms: Date.now() - began },
            standing_ms: stood.from === 0 ? null : Math.round(stood.to - stood.from),
            resumed: resumes !== null,
          };
        } finally {
          journal.close();
        }
      }),
    ),
  );
}

async function act({ here, there }: Both, from: PairedSite, id: StepKind): Promise<Done> {
  const { context, to } = here;
  switch (id) {
    case 'look':
      return allOnline(here);
    case 'secrets': {
      await carrySecrets(there.to, to);
      const { epoch } = await readDrState(there.to.folder);
      // As old as the other one: neither edge stops for the other's sake while it is built.
      await writeDrState(to.folder, { epoch, role: 'filling', since: new Date().toISOString() });
      return {};
    }
    case 'hush':
      return quiet(there);
    case 'save':
      return save(there);
    case 'compare': {
      const { tables, rows } = await compareRows(there.cluster, here.cluster);
      return { text: `${plural(rows, 'row')} in ${plural(tables, 'table')} on both` };
    }
    case 'promote': {
      const { epoch } = await readDrState(there.to.folder);
      await writeDrState(to.folder, { epoch: epoch + 1, role: 'filling', since: new Date().toISOString() });
      return build(here);
    }
    case 'switch': {
      const done = await ACTS.switch(here);
      const { epoch } = await readDrState(to.folder);
      await writeDrState(to.folder, { epoch, role: 'serving', since: new Date().toISOString() });
      await leaveIfPossible(here.cluster);
      return done;
    }
    case 'fence': {
      const { stopped } = await fenceSite(context, from.known, { byApi: true });
      return { text: `${stopped.length} containers stopped` };
    }
    case 'notify':
      return tell(
        here,
        `${to.inventory.name}: the platform is back on ${to.site.name}; ${there.to.site.name} stands by${to.inventory.dr?.kind === 'warm' ? ', and follows again after "psactl dr follow"' : ''}. Nothing was lost.`,
      );
    case 'build':
    case 'quiet':
    case 'database':
    case 'redis':
    case 'start':
    case 'smoke':
      return ACTS[id](here);
    default:
      throw new TypeError(`"${id}" is no step of a failback`);
  }
}

/** A site that is half there is not gone back to. */
async function allOnline({ cluster, to }: SiteWork): Promise<Done> {
  const status = await cluster.get<readonly Record<string, unknown>[]>('/cluster/status');
  const away = to.site.nodes.filter(
    ({ name }) => !status.some((one) => one.type === 'node' && one.name === name && Number(one.online) === 1),
  );
  if (away.length === 0) return {};
  throw new CliError(`Unable to go back to ${to.site.name}: not all of its nodes are there.`, {
    why: `${away.map(({ name }) => name).join(', ')} ${away.length === 1 ? 'is' : 'are'} offline.`,
    fix: `See "psactl status --site ${to.site.name}".`,
  });
}

/** The last state of the site that has served. @returns the run, as its text */
async function save({ cluster, to, context }: SiteWork): Promise<Done> {
  const { run, complete, parts } = await runBackup(cluster, {
    ...{ generation: generationsOf(to)[0]!, recipients: await ensureRecipients(to) },
    ...{ only: ['database', 'redis'], site: siteNameOf(to), progress: context.progress, env: context.io.env },
  });
  if (!complete)
    throw new CliError(`Unable to go back: what ${to.site.name} holds could not be backed up.`, {
      why: parts.flatMap(({ name, why }) => (why === null ? [] : [`${name}: ${why}`])).join('\n'),
      fix: `"psactl apply --site ${to.site.name}" starts its services again; mend the cause, then run this again.`,
    });
  return { text: run, bytes: parts.reduce((sum, { bytes }) => sum + bytes, 0) };
}

/** The copies of a run, brought to the folder of the site that takes over. */
async function savedCopies({ here, there }: Both, run: string): Promise<ChosenCopies> {
  const { context } = here;
  const found = await findCopies(there.to, context.io, context.signal);
  const copies = newestCopies({ ...found, all: found.all.filter(({ id }) => id.endsWith(run)) });
  for (const copy of Object.values(copies)) await bringCopy(copy, folderOf(here.to), here.identity);
  return copies;
}
