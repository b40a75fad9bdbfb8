import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { canSnapshot } from '@psa/appliance/inventory/storages';
import { apiPath } from '@psa/proxmox/client/encode';
import { ProxmoxError } from '@psa/proxmox/client/errors';
import { CliError } from '../errors.ts';
import { withLock } from '../lock.ts';
import type { Progress } from '../progress.ts';
import { type SiteFolder, writeWhole } from '../site/folder.ts';
import type { OpenSite } from '../site/site.ts';
import { type Finding, failed, fine } from './findings.ts';
import { TRIAL_CODE, trialTemplate } from './trial-image.ts';
import {
  refusalFinding,
  TRIAL_STEPS,
  type TrialPlace,
  type TrialStep,
  trialIds,
  trialMarker,
} from './trial-text.ts';

const TEMPLATE = 'psa-trial_1_amd64.tar.gz';
/** Everything of a trial is small; what takes longer hangs. */
const TASK_MS = 180_000;

/** What an error says when the node of the trial has gone. */
const AWAY: readonly string[] = ['network', 'timeout', 'unreachable'];

type Params = Readonly<Record<string, string | number | boolean>>;
type Raw = Readonly<Record<string, unknown>>;

/** The cluster as the trial needs it. */
interface Bench {
  readonly site: OpenSite;
  readonly marker: string;
  readonly hostname: string;
  get<T>(path: string, params?: Params): Promise<T>;
  run(method: string, path: string, params?: Params): Promise<unknown>;
}

/** A container of a trial that was not seen to go. */
interface Left {
  readonly id: number;
  readonly node: string;
  readonly at: string;
}

/** What the trials of a site have left. A creation that was cut off shows neither its name nor its notes. */
class Leftovers {
  readonly #folder: SiteFolder;

  constructor(folder: SiteFolder) {
    this.#folder = folder;
  }

  async all(): Promise<readonly Left[]> {
    const text = await readFile(this.#folder.file('trial.json'), 'utf8').catch((error) => {
      if (error.code === 'ENOENT') return '[]';
      throw error;
    });
    return JSON.parse(text) as readonly Left[];
  }

  /** Before it is made. */
  async add({ id, node }: Pick<Left, 'id' | 'node'>): Promise<void> {
    const others = (await this.all()).filter((one) => one.id !== id);
    await this.#write([...others, { id, node, at: new Date().toISOString() }]);
  }

  async drop(id: number): Promise<void> {
    const all = await this.all();
    if (all.some((one) => one.id === id)) await this.#write(all.filter((one) => one.id !== id));
  }

  async #write(all: readonly Left[]): Promise<void> {
    const file = this.#folder.file('trial.json');
    if (all.length === 0) await rm(file, { force: true });
    else await writeWhole(file, `${JSON.stringify(all, null, 2)}\n`, 0o600);
  }
}

/**
 * Does with a tiny container what an apply does, with the token and by ssh, and removes it. What a killed trial left is
 * removed first, or named with the way to remove it. Its template, some hundred bytes, stays: to remove one takes a right that the token shall not have.
 */
export async function trial(
  site: OpenSite,
  options: { readonly id?: number },
  signal: AbortSignal,
  progress: Progress,
): Promise<readonly Finding[]> {
  await site.folder.make();
  // A second one would take the container of the first for a leftover. Not the site's lock: an apply may go on.
  const work = () => tried(site, options, signal, progress);
  return withLock(site.folder.file('trial.lock'), 0, 'the trial', work).catch((error: unknown) => {
    if (!(error instanceof CliError) || error.outcome !== 'locked') throw error;
    return [
      failed('trial', 'another psactl doctor is at it', 'Wait until it has ended, then run this again.'),
    ];
  });
}

async function tried(
  site: OpenSite,
  options: { readonly id?: number },
  signal: AbortSignal,
  progress: Progress,
): Promise<readonly Finding[]> {
  const { name } = site.inventory;
  const benchOf = (until?: AbortSignal): Bench => ({
    site,
    marker: trialMarker(name, site.site.name),
    hostname: `${name}-trial`,
    get: (path, params = {}) => site.client.request('GET', path, params, { signal: until }),
    run: (method, path, params = {}) =>
      site.client.run(method, path, params, { signal: until, taskTimeoutMs: TASK_MS }),
  });
  progress.start('Try with a tiny container what an apply does');
  const bench = benchOf(signal);
  const leftovers = new Leftovers(site.folder);
  const left = await removeLeftovers(bench, leftovers);
  const place = await placeOf(bench, options.id);
  if ('what' in place) return [...left, place];
  await leftovers.add(place);
  const findings: Finding[] = [...left];
  let isDone = false;
  try {
    findings.push(...(await tryAll(bench, place)));
    isDone = true;
  } finally {
    // Also after Ctrl-C: a second one ends it.
    const end = await removeOrName(benchOf(), leftovers, place, `trial: ${TRIAL_STEPS.remove}`);
    if (end) findings.push(end);
    // Nobody sees the findings then.
    if (!isDone && end?.fix) progress.note(`${end.detail}. ${end.fix}`);
  }
  return findings;
}

/** Where a container of the inventory would stand: a node that is there, its storage, its network; an id that is free. */
async function placeOf({ site, get }: Bench, given?: number): Promise<TrialPlace | Finding> {
  const what = 'trial';
  const status = await get<readonly Raw[]>('/cluster/status');
  const isOnline = (node: string) => status.some((one) => one.name === node && Number(one.online) === 1);
  const like = site.containers.find(({ node }) => isOnline(node));
  if (!like) return failed(what, 'no node of the inventory is online', 'Switch one on.');
  for (const id of trialIds(
    site.containers.map((one) => one.id),
    given,
  )) {
    if (!(await isFree(get, id))) continue;
    const backup = site.site.storages.find(
      ({ content, nodes }) => content.includes('backup') && (nodes ?? [like.node]).includes(like.node),
    );
    return {
      ...{ id, node: like.node, storage: like.storage, templateStorage: like.template_storage },
      ...{ backupStorage: backup?.name ?? null, bridge: like.bridge, vlan: like.vlan },
      pool: site.inventory.name,
    };
  }
  return failed(
    what,
    given === undefined ? 'no id near those of the inventory is free' : `the id ${given} is taken`,
    'Give one that is free: psactl doctor --trial-id <id>',
  );
}

/** Knows of guests, too, that the token may not see. */
const isFree = (get: Bench['get'], id: number): Promise<boolean> =>
  get('/cluster/nextid', { vmid: id }).then(
    () => true,
    (error: unknown) => {
      if (error instanceof ProxmoxError && error.status === 400) return false;
      throw error;
    },
  );

async function tryAll(bench: Bench, place: TrialPlace): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  let isAway = false;
  /** @returns whether it worked */
  const step = async (key: TrialStep, work: () => Promise<string>): Promise<boolean> => {
    // Each would wait for the node in vain.
    if (isAway) return false;
    try {
      findings.push(fine(`trial: ${TRIAL_STEPS[key]}`, await work()));
      return true;
    } catch (error) {
      if ((error as Error).name === 'AbortError' || (error as ProxmoxError).kind === 'aborted') throw error;
      findings.push(refusalFinding(key, place, error));
      isAway = AWAY.includes((error as ProxmoxError).kind);
      return false;
    }
  };
  const at = apiPath`/nodes/${place.node}/lxc/${place.id}`;
  if (!(await step('upload', () => upload(bench, place)))) return findings;
  if (!(await step('create', () => create(bench, place)))) return findings;
  await step('tags', async () => {
    await bench.run('PUT', `${at}/config`, { tags: bench.hostname });
    return 'after it is in the pool';
  });
  const runs = await step('start', () => start(bench, place, at));
  if (runs) await step('exec', () => exec(bench, place));
  await step('snapshot', () => snapshot(bench, place, at));
  await step('backup', () => backup(bench, place));
  if (bench.site.containers.some(({ ha }) => ha === 'managed'))
    await step('ha', async () => {
      // Known to HA and left alone by it: the right is what is tried.
      await bench.run('POST', '/cluster/ha/resources', { sid: `ct:${place.id}`, state: 'ignored' });
      await bench.run('DELETE', apiPath`/cluster/ha/resources/${`ct:${place.id}`}`);
      return 'a resource, removed again';
    });
  return findings;
}

async function upload({ site, get }: Bench, { node, templateStorage }: TrialPlace): Promise<string> {
  const path = apiPath`/nodes/${node}/storage/${templateStorage}/content`;
  const there = await get<readonly { volid: string }[]>(path, { content: 'vztmpl' });
  if (there.some(({ volid }) => volid.endsWith(`/${TEMPLATE}`))) return `${TEMPLATE} is there`;
  const folder = await mkdtemp(join(tmpdir(), 'psa-trial-'));
  try {
    const file = join(folder, TEMPLATE);
    await writeFile(file, trialTemplate());
    await site.client.upload({ node, storage: templateStorage, content: 'vztmpl', file });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return `${TEMPLATE} to ${templateStorage}`;
}

async function create({ marker, hostname, run }: Bench, place: TrialPlace): Promise<string> {
  const { id, node, storage, templateStorage, bridge, vlan, pool } = place;
  await run('POST', apiPath`/nodes/${node}/lxc`, {
    ...{ vmid: id, ostemplate: `${templateStorage}:vztmpl/${TEMPLATE}`, ostype: 'unmanaged', hostname, pool },
    ...{ storage, rootfs: `${storage}:1`, memory: 64, swap: 0, cores: 1, unprivileged: true },
    ...{ features: 'nesting=1', description: marker },
    net0: `name=eth0,bridge=${bridge},tag=${vlan},ip=manual`,
  });
  return `CT ${id} on ${node}, its disk on ${storage}`;
}

async function start({ get, run }: Bench, { bridge, vlan }: TrialPlace, at: string): Promise<string> {
  await run('POST', `${at}/status/start`);
  // The task may end well and the init die right after.
  const { status } = await get<{ status: string }>(`${at}/status/current`);
  if (status !== 'running') throw new Error(`the start ended well, and then it is ${status}`);
  return `on ${bridge}, VLAN ${vlan}`;
}

async function exec({ site }: Bench, { id, node }: TrialPlace): Promise<string> {
  const { code, stderr } = await site.shell.exec(node, id, ['/usr/bin/true'], { timeoutMs: 30_000 });
  // A container that is made up (the lab's fast kind) runs the command itself.
  if (code === TRIAL_CODE || code === 0) return `by pct on ${node}`;
  throw new Error(`pct ends with ${code}${stderr.trim() === '' ? '' : `: ${stderr.trim()}`}`);
}

async function snapshot({ site, run }: Bench, { storage }: TrialPlace, at: string): Promise<string> {
  const kind = site.site.storages.find(({ name }) => name === storage)?.type;
  if (kind === undefined || !canSnapshot(kind))
    return `${storage} (${kind}) cannot: backups suspend a container for a moment, there is no going back to a snapshot`;
  await run('POST', `${at}/snapshot`, { snapname: 'trial' });
  await run('DELETE', `${at}/snapshot/trial`);
  return `on ${storage}`;
}

async function backup(bench: Bench, { id, node, backupStorage }: TrialPlace): Promise<string> {
  if (backupStorage === null) return `no storage of the inventory holds backups on ${node}`;
  await bench.run('POST', apiPath`/nodes/${node}/vzdump`, {
    ...{ vmid: id, storage: backupStorage, mode: 'snapshot', compress: 'zstd' },
    'notes-template': bench.marker,
  });
  await removeBackups(bench, node, backupStorage, id);
  return `on ${backupStorage}, removed again`;
}

/** Removes the backups of a trial: those of its id that have its marker. */
async function removeBackups({ get, run, marker }: Bench, node: string, storage: string, id: number) {
  const path = apiPath`/nodes/${node}/storage/${storage}/content`;
  const found = await get<readonly Raw[]>(path, { content: 'backup', vmid: id });
  for (const { volid, notes } of found) {
    if (String(notes ?? '').trim() !== marker) continue;
    await run('DELETE', apiPath`/nodes/${node}/storage/${storage}/content/${String(volid)}`);
  }
}

/** Removes a container with the marker, wherever it stands by now. Null: there is none. */
async function removeTrial(bench: Bench, node: string, id: number): Promise<Finding | null> {
  const { get, run, marker, site } = bench;
  const at = apiPath`/nodes/${node}/lxc/${id}`;
  await settle(bench, node, id);
  const config = await get<Raw>(`${at}/config`).catch((error: unknown) => {
    if (error instanceof ProxmoxError && (error.isMissing || error.isForbidden)) return null;
    throw error;
  });
  // Only "lock": a creation that was cut off before the rest was written.
  if (!config || !String(config.description ?? '').includes(marker)) return null;
  if (config.lock !== undefined) await site.shell.unlock(node, id, { timeoutMs: 30_000 });
  const { status } = await get<{ status: string }>(`${at}/status/current`);
  if (status === 'running') await run('POST', `${at}/status/stop`);
  const places = site.site.storages.filter(
    ({ content, nodes }) => content.includes('backup') && (nodes ?? [node]).includes(node),
  );
  const backups = await Promise.allSettled(places.map(({ name }) => removeBackups(bench, node, name, id)));
  // A storage that does not answer must not keep the container.
  await run('DELETE', at, { purge: true });
  const failedAt = backups.flatMap((one, index) =>
    one.status === 'rejected' ? [`${places[index]!.name} (${(one.reason as Error).message})`] : [],
  );
  if (failedAt.length > 0)
    return failed(
      `trial: ${TRIAL_STEPS.remove}`,
      `CT ${id} is gone, and a backup of it may be left on ${failedAt.join(', ')}`,
      `On ${node}: pvesm list <storage> --vmid ${id}, then pvesm free what has the notes "${marker}".`,
    );
  return fine(`trial: ${TRIAL_STEPS.remove}`, `CT ${id} is gone`);
}

/** Waits for what a trial that was cut off, this one perhaps, still has running: its creation shows nothing before its end. */
async function settle({ get, site }: Bench, node: string, id: number): Promise<void> {
  const active = await get<readonly { upid: string }[]>(apiPath`/nodes/${node}/tasks`, {
    ...{ vmid: id, source: 'active' },
  });
  // How it ends is not asked: what is there afterwards counts.
  for (const { upid } of active)
    await site.client.waitTask(upid, { taskTimeoutMs: TASK_MS }).catch(() => null);
}

/** Removes it; says what stays, and how it goes. Null: there was nothing. */
async function removeOrName(
  bench: Bench,
  leftovers: Leftovers,
  { id, node }: Pick<Left, 'id' | 'node'>,
  what: string,
): Promise<Finding | null> {
  const name = `CT ${id} on ${node}`;
  const byHand = `on ${node}: pct config ${id}, which has the notes "${bench.marker}" or nothing but the lock "create"; then pct unlock ${id}, pct stop ${id}, pct destroy ${id} --purge`;
  try {
    const done = await removeTrial(bench, node, id);
    if (done || (await isFree(bench.get, id)) || (await isOthers(bench, node, id))) {
      await leftovers.drop(id);
      return done && { ...done, what };
    }
    return failed(
      what,
      `${name} is there and cannot be removed by the token: its creation was cut off before it came into the pool`,
      `By hand ${byHand}.`,
    );
  } catch (error) {
    const { kind, message } = error as ProxmoxError;
    const why = AWAY.includes(kind) ? `${node} does not answer` : message;
    return failed(
      what,
      `${name} may still be there: ${why}`,
      `Run psactl doctor again when ${node} answers: it removes what is left. By hand ${byHand}.`,
    );
  }
}

/** It can be read, and has not what a trial leaves: its id has gone to somebody else. */
async function isOthers({ get, marker }: Bench, node: string, id: number): Promise<boolean> {
  const all = await get<readonly Raw[]>('/cluster/resources', { type: 'vm' });
  const found = all.find(({ vmid }) => Number(vmid) === id);
  if (!found) return false;
  if (found.type !== 'lxc' || found.node !== node) return true;
  const config = await get<Raw>(apiPath`/nodes/${node}/lxc/${id}/config`);
  return config.lock !== 'create' && !String(config.description ?? '').includes(marker);
}

/** Those that are seen by their name, and those that were written down. */
async function removeLeftovers(bench: Bench, leftovers: Leftovers): Promise<Finding[]> {
  const all = await bench.get<readonly Raw[]>('/cluster/resources', { type: 'vm' });
  const seen = all
    .filter(({ type, name }) => type === 'lxc' && name === bench.hostname)
    .map(({ vmid, node }) => ({ id: Number(vmid), node: String(node) }));
  const written = (await leftovers.all())
    .filter(({ id }) => !seen.some((one) => one.id === id))
    .map(({ id, node }) => {
      // It may have been moved since.
      const now = all.find(({ vmid, type }) => Number(vmid) === id && type === 'lxc')?.node;
      return { id, node: String(now ?? node) };
    });
  const findings: Finding[] = [];
  for (const one of [...seen, ...written]) {
    const end = await removeOrName(bench, leftovers, one, `CT ${one.id} of an earlier trial`);
    if (end) findings.push(end.fix === null ? end : { ...end, result: 'warning' });
  }
  return findings;
}
