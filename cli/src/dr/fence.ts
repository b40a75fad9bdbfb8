import { sidOf } from '@psa/appliance/plan/desired';
import { apiPath } from '@psa/proxmox/client/encode';
import { CliError } from '../errors.ts';
import { Cluster } from '../site/cluster.ts';
import { type DrState, readDrState, writeDrState } from '../site/dr-state.ts';
import { runHook } from '../site/hook.ts';
import { type KnownSite, withSite } from '../site/site.ts';
import { leaveIfPossible } from './left.ts';
import { edgeAnswers } from './life.ts';
import type { DrContext } from './pair.ts';

/** What kept a site from serving. */
export interface Fenced {
  readonly site: string;
  readonly by: 'hook' | 'api';
  /** Containers that were stopped, and start no more by themselves. */
  readonly stopped: readonly string[];
}

/** How long an edge may take to be gone. */
const GONE_MS = 60_000;

/**
 * Keeps a site from serving: by the inventory's hook, which takes its power or network; else by its API, where its edge is
 * stopped, then its services, and nothing of them starts by itself any more. Its data parts go on, so that what is in them
 * can be looked at: nobody writes into them but through the edge. Run again, it does what is left.
 * @param options `byApi`: whatever hook there is, for a site that is well and shall only stand by
 * @throws CliError when neither is possible, or its edge goes on answering
 */
export async function fenceSite(
  context: DrContext,
  known: KnownSite,
  options: { readonly byApi?: boolean } = {},
): Promise<Fenced> {
  const { io, signal } = context;
  const { site, inventory } = known;
  const line = options.byApi ? undefined : inventory.dr?.hooks?.fence;
  let stopped: readonly string[] = [];
  if (line !== undefined)
    await runHook(line, { field: 'dr.hooks.fence', env: { ...io.env, PSA_DR_SITE: site.name }, signal });
  else {
    const at = { ...context, options: { ...context.options, site: site.name } };
    stopped = await withSite(at, (open) => stopServing(new Cluster(open, signal)));
  }
  const deadline = performance.now() + GONE_MS;
  while (await edgeAnswers(known, signal)) {
    if (performance.now() < deadline) continue;
    throw new CliError(`Unable to keep ${site.name} from serving: its edge still answers.`, {
      why:
        line === undefined
          ? 'What was stopped is not all that answers there.'
          : 'The hook dr.hooks.fence ended with 0.',
      fix: 'Take its power or its network by hand, then run this again.',
    });
  }
  const state: DrState = await readDrState(known.folder);
  if (state.role !== 'fenced')
    await writeDrState(known.folder, { ...state, role: 'fenced', since: new Date().toISOString() });
  if (line === undefined)
    await withSite({ ...context, options: { ...context.options, site: site.name } }, (open) =>
      leaveIfPossible(new Cluster(open, signal)),
    );
  return { site: site.name, by: line === undefined ? 'api' : 'hook', stopped };
}

/** The edge first: from then on nobody gets in, and the services do not reach their database. */
async function stopServing(cluster: Cluster): Promise<readonly string[]> {
  const { inventory } = cluster.site;
  const resources = await cluster.get<readonly { sid: string }[]>('/cluster/ha/resources');
  const services = inventory.services.map(({ name }) => name);
  const placed = await cluster.placed();
  const stopped: string[] = [];
  for (const groups of [['haproxy'], services]) {
    const these = placed.filter(({ container }) => groups.includes(container.group));
    const names = await Promise.all(
      these.map(async ({ container: { id, name }, node, state }) => {
        if (node === null || state === 'missing') return [];
        const path = apiPath`/nodes/${node}/lxc/${id}`;
        const isManaged = resources.some(({ sid }) => sid === sidOf(id));
        if (isManaged)
          await cluster.write('PUT', apiPath`/cluster/ha/resources/${sidOf(id)}`, { state: 'stopped' });
        await cluster.write('PUT', `${path}/config`, { onboot: 0 });
        // HA stops its own, also where nobody can be asked just now.
        if (state === 'running' && !isManaged)
          await cluster.site.client.run('POST', `${path}/status/stop`, {}, { signal: cluster.signal });
        return [name];
      }),
    );
    stopped.push(...names.flat());
  }
  return stopped;
}
