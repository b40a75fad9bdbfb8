import { type Desired, sidOf } from '@psa/appliance/plan/desired';
import { apiPath } from '@psa/proxmox/client/encode';
import { ProxmoxError } from '@psa/proxmox/client/errors';
import type { Hands } from './hands.ts';

type Raw = Readonly<Record<string, unknown>>;

const isGone = (error: unknown) =>
  error instanceof ProxmoxError && /not HA managed|no such resource|does not exist|no such/i.test(error.text);

/** Puts a container under HA, or brings what HA knows of it in order; answers when HA has it started. */
export async function manage(hands: Hands, desired: Desired, id: number, byGroups: boolean): Promise<void> {
  const sid = sidOf(id);
  const group = byGroups ? desired.haGroups.find((one) => one.sid === sid)?.name : undefined;
  const wish = { state: 'started', ...(group === undefined ? {} : { group }) };
  const known = await hands.get<readonly Raw[]>('/cluster/ha/resources');
  const path = apiPath`/cluster/ha/resources/${sid}`;
  if (!known.some((one) => one.sid === sid)) {
    await hands.write('POST', '/cluster/ha/resources', { sid, ...wish }).catch((error: unknown) => {
      if (!(error instanceof ProxmoxError && /already defined/.test(error.text))) throw error;
    });
  } else {
    const now = (await hands.site.client.haServices({ signal: hands.signal })).find((one) => one.sid === sid);
    if (now?.state === 'error') {
      // Only "disabled" clears an error.
      await hands.write('PUT', path, { state: 'disabled' });
      await hands.site.client.waitHa(sid, { state: 'disabled', signal: hands.signal });
    }
    await hands.write('PUT', path, wish);
  }
  await hands.site.client.waitHa(sid, { state: 'started', signal: hands.signal });
}

/** Takes a container out of HA, and waits until the manager has let go of it. */
export async function releaseFromHa(hands: Hands, sid: string): Promise<void> {
  const known = await hands.get<readonly Raw[]>('/cluster/ha/resources');
  if (!known.some((one) => one.sid === sid)) return;
  await hands.write('DELETE', apiPath`/cluster/ha/resources/${sid}`).catch((error: unknown) => {
    if (!isGone(error)) throw error;
  });
  await hands.until(`${sid} out of HA`, 120_000, async () => {
    const services = await hands.site.client.haServices({ signal: hands.signal });
    return services.some((one) => one.sid === sid) ? 'the HA manager still has it' : null;
  });
}

export async function setRule(hands: Hands, desired: Desired, name: string): Promise<void> {
  const rule = desired.rules.find((one) => one.name === name)!;
  const [rules, managed] = await Promise.all([
    hands.get<readonly Raw[]>('/cluster/ha/rules'),
    hands.get<readonly Raw[]>('/cluster/ha/resources'),
  ]);
  const resources = rule.resources.filter((sid) => managed.some((one) => one.sid === sid));
  const params = {
    type: rule.type,
    resources: resources.join(','),
    ...(rule.type === 'resource-affinity'
      ? { affinity: 'negative' }
      : { nodes: rule.nodes.join(','), strict: true }),
  };
  const known = rules.find((one) => one.rule === name);
  if (known && known.type !== rule.type) await removeRule(hands, name);
  if (!known || known.type !== rule.type)
    await hands.write('POST', '/cluster/ha/rules', { rule: name, ...params, comment: rule.comment });
  else await hands.write('PUT', apiPath`/cluster/ha/rules/${name}`, { ...params, disable: false });
}

export async function removeRule(hands: Hands, name: string): Promise<void> {
  await hands.write('DELETE', apiPath`/cluster/ha/rules/${name}`).catch((error: unknown) => {
    if (!isGone(error)) throw error;
  });
}

export async function setGroup(hands: Hands, desired: Desired, name: string): Promise<void> {
  const { nodes, restricted, comment } = desired.haGroups.find((one) => one.name === name)!;
  const groups = await hands.get<readonly Raw[]>('/cluster/ha/groups');
  if (groups.some(({ group }) => group === name))
    await hands.write('PUT', apiPath`/cluster/ha/groups/${name}`, { nodes, restricted });
  else await hands.write('POST', '/cluster/ha/groups', { group: name, nodes, restricted, comment });
}

export async function removeGroup(hands: Hands, name: string): Promise<void> {
  await hands.write('DELETE', apiPath`/cluster/ha/groups/${name}`).catch((error: unknown) => {
    if (!isGone(error)) throw error;
  });
}
