import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Desired } from '@psa/appliance/plan/desired';
import type { Observed } from '@psa/appliance/plan/observed';
import { plan } from '@psa/appliance/plan/plan';
import type { Plan, PlanProblem, Step } from '@psa/appliance/plan/step';
import { ProxmoxError } from '@psa/proxmox/client/errors';
import { parseUpid } from '@psa/proxmox/upid';
import { CliError } from '../errors.ts';
import type { Progress } from '../progress.ts';
import { readArchive } from '../site/archive.ts';
import { Cluster } from '../site/cluster.ts';
import { readDeployed, readHistory } from '../site/deployed.ts';
import { readDrState, superseded } from '../site/dr-state.ts';
import { endRolloutJournal, type RolloutJournal, readRolloutJournal } from '../site/rollout-journal.ts';
import type { OpenSite } from '../site/site.ts';
import { signedTemplate } from '../site/template-file.ts';
import { begunCreations, Journal, openTasks, readJournal } from './apply-journal.ts';
import { type DesireOptions, desire, ensureSecrets } from './desire.ts';
import { observe } from './observe.ts';
import { runSteps, type StepResult } from './run-steps.ts';
import { applyWorker } from './worker.ts';

/** A plan with what it was made from. */
export interface Looked {
  readonly plan: Plan;
  readonly desired: Desired;
  readonly observed: Observed;
  /** When, in ms of this process's clock. */
  readonly at: number;
  /** What psactl's own files said then; see `basisOf`. */
  readonly basis: string;
}

/** How a run ended. */
export interface Applied {
  readonly steps: readonly StepResult[];
  readonly notes: readonly string[];
  readonly seconds: number;
}

/** Around an apply. */
export interface ApplyContext {
  readonly signal: AbortSignal;
  readonly progress: Progress;
}

/** Looks at a site and plans. Changes nothing. */
export async function planSite(
  site: OpenSite,
  options: DesireOptions,
  { signal, progress }: ApplyContext,
): Promise<Looked> {
  progress.start('looking at the cluster');
  // Before anything of it is read: what changes meanwhile is another basis.
  const basis = await basisOf(site);
  const desired = await desire(site, options);
  const journal = readJournal(site.folder);
  const observed = await observe(new Cluster(site, signal), desired, { journal, inside: true });
  progress.end();
  const found = plan(desired, observed);
  const rollout = await readRolloutJournal(site.folder);
  const fenced = await superseded(site, signal);
  const problems: PlanProblem[] = fenced ? [fenced] : [];
  if (rollout && rollout.action !== 'apply' && found.steps.some(({ deed }) => deed.kind === 'rollout'))
    problems.push(heldBack(rollout, await site.folder.holder()));
  const whole = { ...found, problems: [...found.problems, ...problems] };
  return { plan: whole, desired, observed, at: performance.now(), basis };
}

/**
 * What a plan stands on beside the cluster: the inventory, and what every psactl that changed the site has left in its
 * folder. Who holds the lock and finds another basis than the plan's knows that somebody was at work in between.
 */
async function basisOf({ inventory, folder }: OpenSite): Promise<string> {
  const rest = await Promise.all([
    readRolloutJournal(folder),
    readDeployed(folder.path),
    readHistory(folder.path),
    folder.secrets(),
    readDrState(folder),
  ]);
  return createHash('sha256')
    .update(JSON.stringify([inventory, readJournal(folder), ...rest]))
    .digest('hex');
}

/** Why nothing of a deploy is planned over. @param holder who changes the site just now */
export function heldBack(
  { action, startedAt }: Pick<RolloutJournal, 'action' | 'startedAt'>,
  holder: string | null,
): PlanProblem {
  const target = `${action} of ${startedAt}`;
  // A rollback may be what ends a deploy.
  if (holder && /^psactl (deploy|rollback)\b/.test(holder))
    return { target, message: `It is under way: ${holder}.`, fix: 'Wait until it has ended.' };
  return {
    target,
    message: 'A deploy has begun and not ended; what it does must not be undone half way.',
    fix: 'Run psactl deploy or psactl rollback again to end it, then this.',
  };
}

/** A plan that may be carried out. @throws CliError naming every problem of another */
export function refuseProblems({ problems }: Plan, site: OpenSite['site']): void {
  if (problems.length === 0) return;
  throw new CliError(`Unable to plan for the site ${site.name}: nothing was done.`, {
    code: 'PLAN_REFUSED',
    details: problems.map(({ target, message, fix }) => ({ field: target, message: `${message} ${fix}` })),
  });
}

/**
 * How old a look at the cluster may be to act on it; every step looks for itself before it acts. psactl's own files are
 * read again in any case.
 */
const FRESH_MS = 20_000;

/**
 * Carries out what a plan showed: alone on this site, and after what a killed psactl has still running. When the
 * cluster has changed since, it is looked at again.
 * @param mayGrow whether steps may be done that were not shown
 */
export async function applySite(
  site: OpenSite,
  shown: Looked,
  options: DesireOptions & { readonly mayGrow: boolean },
  context: ApplyContext,
): Promise<Applied> {
  const { signal, progress } = context;
  const start = performance.now();
  return site.folder.locked('psactl apply', async () => {
    const before = readJournal(site.folder);
    const isSame = (await basisOf(site)) === shown.basis;
    const waited = await waitForTasks(site, openTasks(before), context);
    const secrets = await ensureSecrets(site);
    const isFresh = isSame && !waited && performance.now() - shown.at < FRESH_MS;
    const now = isFresh
      ? { ...shown, desired: await desire(site, options) }
      : await planSite(site, options, context);
    refuseProblems(now.plan, site.site);
    refuseGrowth(shown.plan.steps, now.plan.steps, options.mayGrow);
    await checkFiles(site, now.plan.steps, now.desired);
    await endRolled(site, now.plan.steps);
    const journal = await Journal.open(site.folder);
    try {
      journal.add({ event: 'begin', text: `psactl apply: ${now.plan.steps.length} steps` });
      const cluster = new Cluster(site, signal, (step, upid) => journal.task(step, upid));
      const work = applyWorker({
        ...{ desired: now.desired, cluster, secrets, begun: new Set(begunCreations(before)) },
        release: now.observed.release,
        note: (text) => progress.note(text),
        template: (file) => signedTemplate(site, file),
      });
      const steps = await runSteps(now.plan.steps, work, { journal, progress, signal });
      signal.throwIfAborted();
      journal.add({ event: 'end' });
      const seconds = Math.round((performance.now() - start) / 100) / 10;
      return { steps, notes: now.plan.notes, seconds };
    } finally {
      journal.close();
    }
  });
}

/** A rollout of an apply that was ended when there was nothing left to do. */
async function endRolled({ folder }: OpenSite, steps: readonly Step[]): Promise<void> {
  const rollout = await readRolloutJournal(folder);
  if (rollout?.action === 'apply' && !steps.some(({ deed }) => deed.kind === 'rollout'))
    await endRolloutJournal(folder);
}

/** Waits for tasks that a psactl started and did not see end. @returns whether there were any */
export async function waitForTasks(
  site: OpenSite,
  upids: readonly string[],
  { signal, progress }: ApplyContext,
): Promise<boolean> {
  if (upids.length === 0) return false;
  progress.start(`waiting for ${upids.length} tasks of a psactl that was ended`);
  const status = await site.client.request<readonly Record<string, unknown>[]>(
    'GET',
    '/cluster/status',
    {},
    { signal },
  );
  const online = status.filter(({ type, online }) => type === 'node' && Number(online) === 1);
  for (const upid of upids) {
    if (!online.some(({ name }) => name === parseUpid(upid)?.node)) continue;
    try {
      await site.client.waitTask(upid, { signal, unreachableMs: 10_000 });
    } catch (error) {
      // It failed, or nobody knows it any more: the plan sees what is there.
      if (!(error instanceof ProxmoxError) || signal.aborted) throw error;
    }
  }
  // What the tasks did shows in the lists of the cluster a moment later.
  await sleep(500, undefined, { signal });
  return true;
}

function refuseGrowth(shown: readonly Step[], steps: readonly Step[], mayGrow: boolean): void {
  const known = new Set(shown.map(({ id }) => id));
  const fresh = steps.filter(({ id }) => !known.has(id));
  if (mayGrow || fresh.length === 0) return;
  throw new CliError('Unable to apply: the cluster has changed since the plan was shown.', {
    why: `There is more to do now: ${fresh.map(({ id }) => id).join(', ')}.`,
    fix: 'Run it again and look at the new plan.',
  });
}

/** What must be there on this machine, and signed, is missed before anything is begun. */
async function checkFiles(site: OpenSite, steps: readonly Step[], desired: Desired): Promise<void> {
  for (const { deed } of steps) {
    if (deed.kind === 'upload')
      await signedTemplate(site, desired.templates.find(({ key }) => key === deed.template)!.file);
    if (deed.kind !== 'install') continue;
    const version = desired.containers.find((one) => one.id === deed.container)!.release!;
    await readArchive(site, version);
  }
}
