import type { DesiredContainer } from '@psa/appliance/plan/desired';
import type { Cluster } from '../site/cluster.ts';
import { postgresMembers } from '../site/psql.ts';
import { lastWords } from '../text.ts';

/** Patroni itself gives up before (`loop_wait`, `retry_timeout`): nobody could follow. */
const HANDED_MS = 90_000;

/**
 * Has another member take the database's writes before this one is taken away: it waits for the last commit and is there
 * within seconds. One that cannot is said, and no failure: a member that is shut down hands over as well, only later.
 */
export async function handOver(
  cluster: Cluster,
  { id, name, group }: Pick<DesiredContainer, 'id' | 'name' | 'group'>,
  note: (text: string) => void,
): Promise<void> {
  if (group !== 'postgres') return;
  const { primary, replicas } = await postgresMembers(cluster);
  if (primary?.id !== id || replicas.length === 0) return;
  const { code, stdout, stderr } = await cluster.exec(
    id,
    ['patronictl', '-c', '/etc/patroni/config.yml', 'switchover', '--leader', name, '--force'],
    { timeoutMs: HANDED_MS },
  );
  if (code === 0) note(`${name} has handed the database's writes over`);
  else note(`${name} has not handed the database's writes over: ${lastWords(stderr || stdout)}`);
}
