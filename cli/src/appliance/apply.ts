import { access } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Desired } from '@psa/appliance/plan/desired';
import type { Observed } from '@psa/appliance/plan/observed';
import { plan } from '@psa/appliance/plan/plan';
import type { Plan, PlanProblem, Step } from '@psa/appliance/plan/step';
import { ProxmoxError } from '@psa/proxmox/client/errors';
import { parseUpid } from '@psa/proxmox/upid';
import { archiveFile } from '../deploy/archive.ts';
import { readJournal as readDeployJournal } from '../deploy/journal.ts';
import { CliError } from '../errors.ts';
import type { Progress } from '../progress.ts';
import { firstWith } from './container-steps.ts';
import { type DesireOptions, desire, ensureSecrets } from './desire.ts';
import { Hands } from './hands.ts';
import { begunCreations, Journal, openTasks, readJournal } from './journal.ts';
import { observe } from './observe.ts';
import { runSteps, type StepResult } from './run-steps.ts';
import type { OpenSite } from './site.ts';
import { applyWorker } from './worker.ts';

/** A plan with what it was made from. */
export interface Looked {
  readonly plan: Plan;
  readonly desired: Desired;
  readonly observed: Observed;
  /** When, in ms of this process's clock. */
  readonly at: number;
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
  const desired = await desire(site, options);
  const begun = begunCreations(readJournal(site.folder));
  const observed = await observe(site, desired, { signal, begun, inside: true });
  progress.end();
  const found = plan(desired, observed);
  const deploy = await readDeployJournal(site.folder.path);
  const problems: PlanProblem[] = [];
  if (deploy && found.steps.some(({ action }) => action === 'switch'))
    problems.push({
      target: `${deploy.action} of ${deploy.startedAt}`,
      message: 'A deploy has begun and not ended; what it does must not be undone half way.',
      fix: 'Run psactl deploy or psactl rollback again to end it, then this.',
    });
  const whole = { ...found, problems: [...found.problems, ...problems] };
  return { plan: whole, desired, observed, at: performance.now() };
}

/** A plan that may be carried out. @throws CliError naming every problem of another */
export function refuseProblems({ problems }: Plan, site: OpenSite['site']): void {
  if (problems.length === 0) return;
  throw new CliError(`Unable to plan for the site ${site.name}: nothing was done.`, {
    code: 'PLAN_REFUSED',
    details: problems.map(({ target, message, fix }) => ({ field: target, message: `${message} ${fix}` })),
  });
}

/** How old a look may be to act on it; every step looks for itself before it acts. */
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
    const waited = await waitForTasks(site, openTasks(before), context);
    const secrets = await ensureSecrets(site);
    const isFresh = !waited && performance.now() - shown.at < FRESH_MS;
    const now = isFresh
      ? { ...shown, desired: await desire(site, options) }
      : await planSite(site, options, context);
    refuseProblems(now.plan, site.site);
    refuseGrowth(shown.plan.steps, now.plan.steps, options.mayGrow);
    await checkFiles(site, now.plan.steps, now.desired);
    const journal = await Journal.open(site.folder);
    try {
      journal.add({ event: 'begin', text: `psactl apply: ${now.plan.steps.length} steps` });
      const hands = new Hands(site, journal, signal);
      const work = applyWorker({
        ...{ desired: now.desired, hands, secrets, begun: new Set(begunCreations(before)) },
        byGroups: now.observed.release < 9,
        templateFile: (file) => templateFile(site, file),
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

/** Waits for tasks that a psactl started and did not see end. @returns whether there were any */
async function waitForTasks(
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

/** What must be there on this machine is missed before anything is begun. */
async function checkFiles(site: OpenSite, steps: readonly Step[], desired: Desired): Promise<void> {
  for (const { action, id, container } of steps) {
    if (action === 'upload')
      await templateFile(site, desired.templates.find(({ key }) => id === `upload:template:${key}`)!.file);
    if (action !== 'install') continue;
    const version = desired.containers.find((one) => one.id === container)!.release!;
    const file = archiveFile(site.path(site.inventory.releases.directory), version);
    await access(file).catch(() => {
      throw new CliError(`Unable to install the release ${version}: there is no file ${file}.`, {
        outcome: 'not_found',
        fix: `Build it: npm run release -- --version ${version}`,
      });
    });
  }
}

/** Beside the inventory, or where the repository builds them. */
function templateFile(site: OpenSite, file: string): Promise<string> {
  const folders = [
    join(dirname(site.file), 'dist/templates'),
    join(import.meta.dirname, '../../../dist/templates'),
  ];
  return firstWith(folders, file, 'Build it: psactl template build');
}
