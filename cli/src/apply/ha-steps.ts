import { type Desired, sidOf } from '@psa/appliance/plan/desired';
import type { Release } from '@psa/appliance/plan/releases';
import { apiPath } from '@psa/proxmox/client/encode';
import { ProxmoxError } from '@psa/proxmox/client/errors';
import type { Cluster } from '../site/cluster.ts';

type Raw = Readonly<Record<string, unknown>>;

const isGone = (error: unknown) =>
  error instanceof ProxmoxError && /not HA managed|no such resource|does not exist|no such/i.test(error.text);

/** Puts a container under HA, or brings what HA knows of it in order; answers when HA has it started. */
export async function manage(
  cluster: Cluster,
  desired: Desired,
  id: number,
  release: Release,
): Promise<void> {
  const sid = sidOf(id);
  const group = release.ha === 'groups' ? desired.haGroups.find((one) => one.sid === sid)?.name : undefined;
  const wish = { state: 'started', ...(group === undefined ? {} : { group }) };
  const known = await cluster.get<readonly Raw[]>('/cluster/ha/resources');
  const path = apiPath`/cluster/ha/resources/${sid}`;
  if (!known.some((one) => one.sid === sid)) {
    await cluster.write('POST', '/cluster/ha/resources', { sid, ...wish }).catch((error: unknown) => {
      if (!(error instanceof ProxmoxError && /already defined/.test(error.text))) throw error;
    });
  } else {
    const now = (await cluster.site.client.haServices({ signal: cluster.signal })).find(
      (one) => one.sid === sid,
    );
    if (now?.state === 'error') {
      // Only "disabled" clears an error.
      await cluster.write('PUT', path, { state: 'disabled' });
      await cluster.site.client.waitHa(sid, { state: 'disabled', signal: cluster.signal });
    }
    await cluster.write('PUT', path, wish);
  }
  await cluster.site.client.waitHa(sid, { state: 'started', signal: cluster.signal });
}

/** Takes a container out of HA, and waits until the manager has let go of it. */
export async function releaseFromHa(cluster: Cluster, sid: string): Promise<void> {
  const known = await cluster.get<readonly Raw[]>('/cluster/ha/resources');
  if (!known.some((one) => one.sid === sid)) return;
  await cluster.write('DELETE', apiPath`/cluster/ha/resources/${sid}`).catch((error: unknown) => {
    if (!isGone(error)) throw error;
  });
  await cluster.until(`${sid} out of HA`, 120_000, async () => {
    const services = await cluster.site.client.haServices({ signal: cluster.signal });
    return services.some((one) => one.sid === sid) ? 'the HA manager still has it' : null;
  });
}

export async function setRule(cluster: Cluster, desired: Desired, name: string): Promise<void> {
  const rule = desired.rules.find((one) => one.name === name)!;
  const [rules, managed] = await Promise.all([
    cluster.get<readonly Raw[]>('/cluster/ha/rules'),
    cluster.get<readonly Raw[]>('/cluster/ha/resources'),
  ]);
  const resources = rule.members.map(sidOf).filter((sid) => managed.some((one) => one.sid === sid));
  const params = {
    type: rule.type,
    resources: resources.join(','),
    ...(rule.type === 'resource-affinity'
      ? { affinity: 'negative' }
      : { nodes: rule.nodes.join(','), strict: true }),
  };
  const known = rules.find((one) => one.rule === name);
  if (known && known.type !== rule.type) await removeRule(cluster, name);
  if (!known || known.type !== rule.type)
    await cluster.write('POST', '/cluster/ha/rules', { rule: name, ...params, comment: rule.comment });
  else {
    // Deleted, not set to 0, which Proxmox passes over (PVE::API2::HA::Rules).
    const enable: Record<string, string> = Number(known.disable ?? 0) === 1 ? { delete: 'disable' } : {};
    await cluster.write('PUT', apiPath`/cluster/ha/rules/${name}`, { ...params, ...enable });
  }
}

export async function removeRule(cluster: Cluster, name: string): Promise<void> {
  await cluster.write('DELETE', apiPath`/cluster/ha/rules/${name}`).catch((error: unknown) => {
    if (!isGone(error)) throw error;
  });
}

export async function setGroup(cluster: Cluster, desired: Desired, name: string): Promise<void> {
  const { nodes, restricted, comment } = desired.haGroups.find((one) => one.name === name)!;
  const groups = await cluster.get<readonly Raw[]>('/cluster/ha/groups');
  if (groups.some(({ group }) => group === name))
    await cluster.write('PUT', apiPath`/cluster/ha/groups/${name}`, { nodes, restricted });
  else await cluster.write('POST', '/cluster/ha/groups', { group: name, nodes, restricted, comment });
}

export async function removeGroup(cluster: Cluster, name: string): Promise<void> {
  await cluster.write('DELETE', apiPath`/cluster/ha/groups/${name}`).catch((error: unknown) => {
    if (!isGone(error)) throw error;
  });
}
