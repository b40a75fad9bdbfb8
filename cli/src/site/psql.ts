import type { Container } from '@psa/appliance/inventory/expand';
import { leaderOf, patroniMembers } from '@psa/appliance/parts/postgres';
import type { ExecOptions, ExecResult } from '@psa/proxmox/ssh';
import { shellQuote } from '@psa/proxmox/ssh';
import { CliError } from '../errors.ts';
import type { Cluster } from './cluster.ts';
import { askPart } from './look.ts';

/** A line for a shell in a member of PostgreSQL: a program as the database's superuser, at its own socket. */
export const asPostgres = (program: string): string =>
  `su postgres -s /bin/sh -c ${shellQuote(program.replace(/^(\S+)/, '$1 -h /var/run/postgresql'))}`;

/** What runs a shell's line as the database's user, in a container whose folders that user may all read. */
export const postgresShell = (line: string): readonly string[] => [
  ...['su', 'postgres', '-s', '/bin/sh', '-c'],
  `cd /; ${line}`,
];

/** Runs SQL as superuser in a member. By its input: arguments stand in the list of processes. */
export function psql(
  cluster: Cluster,
  member: number,
  database: string,
  sql: string,
  options: ExecOptions = {},
): Promise<ExecResult> {
  const line = asPostgres(`psql -X -q -A -t -v ON_ERROR_STOP=1 -F '|' -d ${shellQuote(database)}`);
  return cluster.exec(member, ['sh', '-c', line], { timeoutMs: 10 * 60_000, ...options, stdin: sql });
}

/** The same for SQL that must succeed. @returns its rows, columns apart by `|` */
export async function askSql(
  cluster: Cluster,
  member: number,
  database: string,
  sql: string,
): Promise<readonly string[]> {
  const { code, stdout, stderr } = await psql(cluster, member, database, sql);
  if (code !== 0)
    throw new CliError(`Unable to ask PostgreSQL in ${cluster.nameOf(member)}.`, {
      why: stderr.trim().split('\n').slice(-4).join('\n') || `psql ended with ${code}.`,
    });
  return stdout.split('\n').filter((line) => line !== '');
}

/** The members of PostgreSQL that answer: the primary, and the replicas that follow it. */
export async function postgresMembers(
  cluster: Cluster,
): Promise<{ readonly primary: Container | null; readonly replicas: readonly Container[] }> {
  const members = patroniMembers((await askPart(cluster, 'postgres')) ?? []) ?? [];
  const running = await cluster.running('postgres');
  const containerOf = ({ name, host }: { name: string; host?: string }) =>
    running.find((one) => one.name === name || one.address === host);
  const leader = leaderOf(members);
  const replicas = members.filter(({ state }) => state === 'streaming' || state === 'running');
  return {
    primary: (leader && containerOf(leader)) ?? null,
    replicas: replicas.flatMap((one) => (one === leader ? [] : (containerOf(one) ?? []))),
  };
}
