import { FEED_STATE, feeds } from '@psa/appliance/parts/standby-settings';
import type { WatchedStandby } from '@psa/recovery/watched';
import type { Cluster } from '../site/cluster.ts';
import { readDrState } from '../site/dr-state.ts';
import { repositoryHost } from '../site/repository.ts';

/**
 * What the standby site said when it last asked for the log here, which needs no key to that site. Null: nothing follows this
 * one, or it does not serve.
 * @throws CliError when the repository's container does not run
 */
export async function watchStandby(cluster: Cluster): Promise<WatchedStandby | null> {
  const { inventory, site, folder } = cluster.site;
  if (!feeds(inventory, site) || (await readDrState(folder)).role !== 'serving') return null;
  const host = await repositoryHost(cluster);
  const { stdout } = await cluster.exec(host.id, ['cat', `${FEED_STATE}/standby`]);
  const word = (name: string) => new RegExp(`^${name} (\\S+)$`, 'm').exec(stdout)?.[1];
  const role = word('role');
  const moment = (name: string) => {
    const seconds = Number(word(name) ?? 0);
    return seconds > 0 ? new Date(seconds * 1000).toISOString() : null;
  };
  return {
    asked_at: moment('at'),
    role: role === 'standby_leader' ? role : role === 'master' || role === 'primary' ? 'primary' : 'none',
    replayed_at: moment('replayed_at'),
    behind_bytes: Number(word('behind') ?? 0),
  };
}
