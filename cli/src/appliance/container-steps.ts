import { access } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { configChanges } from '@psa/appliance/plan/config-drift';
import { createParams, type Desired, type DesiredContainer, sidOf } from '@psa/appliance/plan/desired';
import { isWhollyOurs, ownMarker } from '@psa/appliance/plan/ownership';
import type { Step } from '@psa/appliance/plan/step';
import { apiPath } from '@psa/proxmox/client/encode';
import { ProxmoxError } from '@psa/proxmox/client/errors';
import { CliError } from '../errors.ts';
import { releaseFromHa } from './ha-steps.ts';
import type { Hands } from './hands.ts';

/** What steps about containers need to know. */
export interface Work {
  readonly desired: Desired;
  readonly hands: Hands;
  /** Creations of ours that did not end. */
  readonly begun: ReadonlySet<number>;
  /** Where a template's archive stands on this machine. @throws CliError when it is nowhere */
  templateFile(file: string): Promise<string>;
}

/** Tells a pool of ours from one that was there. */
export const POOL_COMMENT = 'Made by psactl.';

export async function createPool({ desired, hands }: Work): Promise<void> {
  const pools = await hands.get<readonly { poolid: string }[]>('/pools');
  if (pools.some(({ poolid }) => poolid === desired.pool)) return;
  await hands.write('POST', '/pools', { poolid: desired.pool, comment: POOL_COMMENT });
}

export async function uploadTemplate(work: Work, step: Step): Promise<void> {
  const { desired, hands } = work;
  const template = desired.templates.find(({ key }) => step.id === `upload:template:${key}`)!;
  const { storage, file } = template;
  const node = template.node ?? (await anyNode(hands));
  const content = await hands.get<readonly { volid: string }[]>(
    apiPath`/nodes/${node}/storage/${storage}/content`,
    { content: 'vztmpl' },
  );
  if (content.some(({ volid }) => volid === `${storage}:vztmpl/${file}`)) return;
  const path = await work.templateFile(file);
  await hands.site.client.upload({
    ...{ node, storage, content: 'vztmpl', file: path, name: file, signal: hands.signal },
  });
}

async function anyNode(hands: Hands): Promise<string> {
  const status = await hands.get<readonly Record<string, unknown>[]>('/cluster/status');
  const found = status.find(({ type, online }) => type === 'node' && Number(online) === 1);
  return String(found?.name ?? hands.site.site.nodes[0]!.name);
}

export async function create(work: Work, step: Step, container: DesiredContainer): Promise<void> {
  const { desired, hands, begun } = work;
  const { id, node } = container;
  const found = await hands.find(id);
  if (found) {
    await hands.settle(found.node, id);
    const config = await hands.config(found.node, id);
    if (config) {
      const isOurs = ownMarker(desired, { id, config }) !== null;
      if (isOurs && config.lock !== 'create') return;
      if (config.lock !== 'create' || !(isOurs || begun.has(id))) throw foreign(id, found.node);
      // A node went down while it was being made: nothing of worth is in it.
      await hands.site.shell.unlock(found.node, id, { signal: hands.signal });
      await hands.task(step.id, 'DELETE', apiPath`/nodes/${found.node}/lxc/${id}`, { purge: true });
    }
  }
  try {
    await hands.task(step.id, 'POST', apiPath`/nodes/${node}/lxc`, createParams(container, desired.pool));
  } catch (error) {
    // The answer was lost, or it was there already: what counts is what is there now.
    if (hands.signal.aborted || !(error instanceof ProxmoxError)) throw error;
    if (!error.outcomeUnknown && !/already exists/.test(error.text)) throw error;
    await hands.settle(node, id);
    const config = await hands.config(node, id);
    if (!config || !ownMarker(desired, { id, config })) throw error;
  }
}

const foreign = (id: number, node: string) =>
  new CliError(`Unable to make CT ${id}: a guest of that id is on ${node}, and psactl did not make it.`, {
    fix: 'Give the group other ids in the inventory, or move that guest away.',
  });

/** Throws when the guest is not ours any more. @returns where it is and its configuration */
async function own({ desired, hands }: Pick<Work, 'desired' | 'hands'>, id: number) {
  const found = await hands.need(id);
  const config = await hands.config(found.node, id);
  if (!config || !ownMarker(desired, { id, config }))
    throw new CliError(`Unable to work on CT ${id}: it does not have the marker of psactl any more.`, {
      fix: 'Run psactl plan to see whose it is.',
    });
  return { ...found, config };
}

export async function join({ desired, hands }: Work, id: number): Promise<void> {
  await own({ desired, hands }, id);
  await hands.write('PUT', '/pools', { poolid: desired.pool, vms: String(id) });
}

export async function update(work: Work, container: DesiredContainer): Promise<void> {
  const { desired, hands } = work;
  const { node, config } = await own(work, container.id);
  const keepsMarker = ownMarker(desired, { id: container.id, config })!.template !== container.template;
  const wanted = (now: typeof config) =>
    configChanges(container, now, desired.appliance).filter(
      ({ field }) => !(keepsMarker && field === 'description'),
    );
  const changes = wanted(config);
  if (changes.length === 0) return;
  const params = Object.assign({}, ...changes.map(({ set }) => set)) as Record<
    string,
    string | number | boolean
  >;
  await hands.write('PUT', apiPath`/nodes/${node}/lxc/${container.id}/config`, {
    ...params,
    digest: config.digest,
  });
  // Some failures answer well, and some that answer badly are saved all the same.
  const after = await hands.config(node, container.id);
  const left = after ? wanted(after) : changes;
  if (left.length > 0)
    throw new CliError(
      `Unable to change CT ${container.id}: ${left.map(({ field }) => field).join(', ')} stayed as it was.`,
    );
}

export async function resize(work: Work, step: Step, container: DesiredContainer): Promise<void> {
  const { hands } = work;
  const { node, config } = await own(work, container.id);
  if (config.rootGb !== null && config.rootGb >= container.disk_gb * 0.99) return;
  await hands.task(step.id, 'PUT', apiPath`/nodes/${node}/lxc/${container.id}/resize`, {
    ...{ disk: 'rootfs', size: `${container.disk_gb}G` },
  });
}

export async function move(work: Work, step: Step, container: DesiredContainer): Promise<void> {
  const { hands } = work;
  const { node } = await own(work, container.id);
  if (node === container.node) return;
  await hands.settle(node, container.id);
  const isRunning = (await hands.status(node, container.id)) === 'running';
  await hands.task(step.id, 'POST', apiPath`/nodes/${node}/lxc/${container.id}/migrate`, {
    ...{ target: container.node, ...(isRunning ? { restart: true } : {}) },
  });
}

/** How often a container is started before it is given up. */
const START_ATTEMPTS = 3;

export async function start(work: Work, step: Step, container: DesiredContainer): Promise<void> {
  const { hands } = work;
  const { id } = container;
  const { node } = await own(work, id);
  await hands.settle(node, id);
  for (let attempt = 1; (await hands.status(node, id)) !== 'running'; attempt++) {
    try {
      await hands.task(step.id, 'POST', apiPath`/nodes/${node}/lxc/${id}/status/start`);
      break;
    } catch (error) {
      if (!(error instanceof ProxmoxError)) throw error;
      if (/already running/.test(error.text)) break;
      // A node that starts many at once fails one now and then; what is really wrong fails each time.
      if (error.kind !== 'task' || attempt >= START_ATTEMPTS) throw error;
      await sleep(2_000 * attempt, undefined, { signal: hands.signal });
    }
  }
  // Of a guest that HA manages the start is only wished for until here.
  await hands.until(`CT ${id}`, 5 * 60_000, async () => {
    const now = await hands.need(id);
    return (await hands.status(now.node, id)) === 'running' ? null : 'it does not run';
  });
  await booted(hands, id);
}

/** Its init answers: units can be started. */
async function booted(hands: Hands, id: number): Promise<void> {
  await hands.until(
    `the init of CT ${id}`,
    120_000,
    async () => {
      const { code, stdout, stderr } = await hands.exec(id, ['systemctl', 'is-system-running'], {
        timeoutMs: 30_000,
      });
      const state = stdout.trim();
      if (['running', 'degraded', 'starting', 'maintenance'].includes(state)) return null;
      return `${state || stderr.trim() || `systemctl ends with ${code}`}`;
    },
    500,
  );
}

/** Removes a container of ours with its disks and its place in HA. `wholly`: it must have all our signs. */
export async function remove(
  work: Pick<Work, 'hands'> & { readonly desired: Pick<Desired, 'appliance' | 'site' | 'pool'> },
  step: Step,
  id: number,
  wholly: boolean,
): Promise<void> {
  const { desired, hands } = work;
  const found = await hands.find(id);
  if (!found) return;
  await hands.settle(found.node, id);
  const config = await hands.config(found.node, id);
  if (!config) return;
  const members = await hands.get<{ members?: readonly { vmid?: number }[] }>(
    apiPath`/pools/${desired.pool}`,
  );
  const inPool = members.members?.some(({ vmid }) => Number(vmid) === id) ?? false;
  const guest = {
    id,
    type: 'lxc' as const,
    name: '',
    status: 'unknown' as const,
    inPool,
    config,
    inside: null,
    node: found.node,
  };
  if (!(wholly ? isWhollyOurs(desired, guest) : ownMarker(desired, guest)))
    throw new CliError(`Unable to remove CT ${id}: it does not have the signs of psactl any more.`, {
      fix: 'Run psactl plan to see whose it is.',
    });
  await releaseFromHa(hands, sidOf(id));
  const path = apiPath`/nodes/${found.node}/lxc/${id}`;
  if ((await hands.status(found.node, id)) === 'running') {
    // It is to go: what it was doing may end in peace, but not for long.
    await hands
      .task(step.id, 'POST', `${path}/status/shutdown`, { timeout: 20, forceStop: true })
      .catch((error: unknown) => {
        if (!(error instanceof ProxmoxError && /not running/.test(error.text))) throw error;
      });
  }
  await hands.task(step.id, 'DELETE', path, { purge: true }).catch(async (error: unknown) => {
    if ((await hands.find(id)) !== null) throw error;
  });
}

/** The first of the folders that has a file. @throws CliError */
export async function firstWith(folders: readonly string[], file: string, fix: string): Promise<string> {
  for (const folder of folders) {
    const path = `${folder}/${file}`;
    const isThere = await access(path).then(
      () => true,
      () => false,
    );
    if (isThere) return path;
  }
  throw new CliError(`Unable to find ${file}.`, {
    outcome: 'not_found',
    why: `It is in none of ${[...new Set(folders)].join(', ')}.`,
    fix,
  });
}
