import type { Container } from '@psa/appliance/inventory/expand';
import { leaderOf, patroniMembers } from '@psa/appliance/parts/postgres';
import { CliError } from '../errors.ts';
import type { Cluster } from './cluster.ts';
import { askPart } from './look.ts';

/** The container that holds the primary of PostgreSQL. @throws CliError when there is none */
export async function primaryOf(cluster: Cluster): Promise<Container> {
  const members = patroniMembers((await askPart(cluster, 'postgres')) ?? []);
  const leader = members && leaderOf(members);
  const container = cluster.site.containers.find(
    (one) => one.group === 'postgres' && (one.name === leader?.name || one.address === leader?.host),
  );
  if (container) return container;
  throw new CliError('Unable to find the primary of PostgreSQL.', {
    why: members === null ? 'No member of Patroni answers.' : 'Patroni has no leader.',
    fix: 'See "psactl status", then "psactl logs postgres".',
  });
}
