import type { Container } from '@psa/appliance/inventory/expand';
import { DATA_PORTS } from '@psa/appliance/inventory/ports';
import type { ExecResult } from '@psa/proxmox/ssh';
import { parseServers } from '../deploy/haproxy-stats.ts';
import type { OpenSite } from './site.ts';

/** A member of a data part and where it is. */
export interface Member {
  readonly container: Container;
  readonly node: string;
}

/**
 * What is wrong with a data part as a whole; null when nothing is, undefined when nobody could be asked.
 * @param members those that run
 */
export async function partTrouble(
  site: OpenSite,
  part: string,
  members: readonly Member[],
  signal: AbortSignal,
): Promise<string | null | undefined> {
  const ask: Ask = (member, argv, stdin) =>
    site.shell.exec(member.node, member.container.id, argv, {
      ...{ timeoutMs: 30_000, signal },
      ...(stdin === undefined ? {} : { stdin }),
    });
  try {
    switch (part) {
      case 'postgres':
        return await postgresTrouble(site, members, ask);
      case 'rabbitmq':
        return await rabbitTrouble(members, ask);
      case 'redis':
        return await redisTrouble(members, ask);
      case 'haproxy':
        return await haproxyTrouble(site, members, ask);
      case 'monitoring':
        return await monitoringTrouble(members, ask);
      default:
        return null;
    }
  } catch (error) {
    if (signal.aborted) throw error;
    return undefined;
  }
}

type Ask = (member: Member, argv: readonly string[], stdin?: string) => Promise<ExecResult>;

interface PatroniMember {
  readonly name: string;
  readonly role: string;
  readonly state: string;
}

/** One leader, everybody streaming, and a replica that has every commit. */
async function postgresTrouble(
  { inventory }: OpenSite,
  members: readonly Member[],
  ask: Ask,
): Promise<string | null> {
  const [first] = members;
  const { stdout } = await ask(first!, [
    ...['curl', '-s', '-m', '5'],
    `http://${first!.container.address}:${DATA_PORTS.patroni}/cluster`,
  ]);
  const seen = stdout.trim().startsWith('{') ? ((JSON.parse(stdout).members ?? []) as PatroniMember[]) : [];
  const leader = seen.find(({ role }) => role === 'leader' || role === 'master');
  if (!leader) return 'no leader';
  if (leader.state !== 'running') return `leader ${leader.name} is ${leader.state}`;
  for (const { container } of members) {
    const member = seen.find(({ name }) => name === container.name);
    if (!member) return `${container.name} has not joined`;
    if (member !== leader && !['running', 'streaming'].includes(member.state))
      return `${member.name} is ${member.state}`;
  }
  const isSynchronous = seen.some(({ role }) => role === 'sync_standby' || role === 'quorum_standby');
  if (inventory.data.postgres.synchronous && members.length > 1 && !isSynchronous)
    return 'no synchronous replica';
  return null;
}

/** Every node has a link to every other. A cluster that came up as several has none between them. */
async function rabbitTrouble(members: readonly Member[], ask: Ask): Promise<string | null> {
  const url = 'http://127.0.0.1:15692/metrics';
  for (const member of members) {
    const { stdout } = await ask(member, ['curl', '-s', '-m', '10', url]);
    if (!stdout.includes('rabbitmq_identity_info')) return `${member.container.name} does not answer`;
    const peers = stdout
      .split('\n')
      .filter((line) => line.startsWith('erlang_vm_dist_node_state{') && / 3(\.0)?$/.test(line))
      .filter((line) => members.some(({ container }) => line.includes(`rabbit@${container.name}"`)));
    if (peers.length < members.length - 1)
      return `${member.container.name} is linked to ${peers.length} of ${members.length - 1} others`;
  }
  return null;
}

/** The Sentinels agree on a master, and it has its replicas. */
async function redisTrouble(members: readonly Member[], ask: Ask): Promise<string | null> {
  const masters = await Promise.all(
    members.map(async (member) => {
      const argv = ['redis-cli', '-p', String(DATA_PORTS.sentinel), '--raw', 'sentinel', 'master', 'psa'];
      const lines = (await ask(member, argv)).stdout.split('\n').map((line) => line.trim());
      const of = (key: string) => lines[lines.indexOf(key) + 1] ?? '';
      return {
        ip: of('ip'),
        flags: of('flags'),
        replicas: Number(of('num-slaves')),
        others: Number(of('num-other-sentinels')),
      };
    }),
  );
  const [first] = masters;
  if (!first || first.ip === '') return 'the Sentinels know no master';
  if (masters.some(({ ip }) => ip !== first.ip)) return 'the Sentinels do not agree on a master';
  if (first.flags !== 'master') return `the master is ${first.flags}`;
  if (masters.some(({ others }) => others < members.length - 1))
    return 'the Sentinels do not see one another';
  if (masters.every(({ replicas }) => replicas < members.length - 1)) return 'a replica is missing';
  return null;
}

/** One has the virtual address, and all see the primary of the database. */
async function haproxyTrouble(
  { inventory }: OpenSite,
  members: readonly Member[],
  ask: Ask,
): Promise<string | null> {
  const { virtual_address: address } = inventory.data.haproxy;
  let holders = 0;
  for (const member of members) {
    const { name } = member.container;
    const { stdout } = await ask(member, ['ip', '-o', '-4', 'address', 'show']);
    if (stdout.includes(` ${address}/`)) holders++;
    const argv = ['socat', '-t10', 'stdio', '/run/haproxy/admin.sock'];
    const { stdout: text } = await ask(member, argv, 'show servers state; show stat\n');
    const servers = parseServers(text);
    if (servers.length === 0) return `HAProxy in ${name} does not answer`;
    if (!servers.some(({ backend, up }) => backend === 'postgres-primary' && up))
      return `HAProxy in ${name} sees no primary of the database`;
  }
  return holders === 1 ? null : `${holders} of ${members.length} have the virtual address ${address}`;
}

async function monitoringTrouble(members: readonly Member[], ask: Ask): Promise<string | null> {
  for (const member of members) {
    const url = `http://127.0.0.1:${DATA_PORTS.prometheus}/-/ready`;
    const { stdout } = await ask(member, [
      'curl',
      '-s',
      '-o',
      '/dev/null',
      '-m',
      '5',
      '-w',
      '%{http_code}',
      url,
    ]);
    if (stdout.trim() !== '200') return `Prometheus in ${member.container.name} is not ready`;
  }
  return null;
}
