import { apiPath } from '@psa/proxmox/client/encode';
import { CliError } from '../errors.ts';
import type { Cluster } from '../site/cluster.ts';
import { listVolumes, type Volume } from '../site/volume.ts';
import type { Catalogued } from './catalogue.ts';

/** Protected backups of a guest on a storage, where neither says otherwise (PVE::Storage, get_max_protected_backups). */
const USUAL_LIMIT = 5;

/** What is known of a storage. */
export interface ProtectionFacts {
  /** `max-protected-backups` of its configuration: -1 is any number; absent: it says nothing. */
  readonly configured: number | undefined;
  /** Whether the token has Datastore.Allocate there: who has may protect any number where the storage says nothing. */
  readonly owns: boolean;
  /** The backups there. */
  readonly volumes: readonly Pick<Volume, 'volid' | 'vmid' | 'protected'>[];
}

/** More than Proxmox VE would let be protected. */
export interface TooMany {
  readonly vmid: number;
  readonly limit: number;
  /** Protected already. */
  readonly protected: readonly string[];
}

/** Of which guests there would be more protected backups on a storage than may be. @param wanted volids that shall be */
export function tooManyProtected(
  { configured, owns, volumes }: ProtectionFacts,
  wanted: ReadonlySet<string>,
): readonly TooMany[] {
  const limit = configured ?? (owns ? -1 : USUAL_LIMIT);
  if (limit < 0) return [];
  const isProtected = (one: (typeof volumes)[number]) => Number(one.protected ?? 0) === 1;
  return [...Map.groupBy(volumes, ({ vmid }) => vmid)].flatMap(([vmid, of]) => {
    const already = of.filter(isProtected).map(({ volid }) => volid);
    const fresh = of.filter((one) => wanted.has(one.volid) && !isProtected(one)).length;
    return vmid !== undefined && fresh > 0 && already.length + fresh > limit
      ? [{ vmid, limit, protected: already }]
      : [];
  });
}

/**
 * Sees that Proxmox VE will protect all of these archives, before it is asked for the first.
 * @throws CliError naming the containers and storages that have as many as may be
 */
export async function requireProtectable(cluster: Cluster, backups: readonly Catalogued[]): Promise<void> {
  const volumes = backups.flatMap(({ volume }) => volume ?? []);
  if (volumes.length === 0) return;
  const confs =
    await cluster.get<readonly { storage: string; 'max-protected-backups'?: number }[]>('/storage');
  const places = Map.groupBy(volumes, ({ node, volid }) => `${node} ${volid.split(':')[0]!}`);
  const said = await Promise.all(
    [...places].map(async ([place, there]) => {
      const [node, storage] = place.split(' ') as [string, string];
      const path = apiPath`/storage/${storage}`;
      const rights = await cluster.get<Record<string, Record<string, number>>>('/access/permissions', {
        path,
      });
      const configured = confs.find((one) => one.storage === storage)?.['max-protected-backups'];
      const facts: ProtectionFacts = {
        configured: configured === undefined ? undefined : Number(configured),
        owns: rights[path]?.['Datastore.Allocate'] !== undefined,
        volumes: await listVolumes(cluster, node, storage),
      };
      return tooManyProtected(facts, new Set(there.map(({ volid }) => volid))).map(
        ({ vmid, limit, protected: already }) =>
          `${cluster.nameOf(vmid)} may have ${limit} on ${storage} and has ${already.length}${already.length > 0 ? ` (${already.join(', ')})` : ''}.`,
      );
    }),
  );
  const why = said.flat();
  if (why.length > 0)
    throw new CliError('Unable to protect it: Proxmox VE would refuse in the middle of it.', {
      why: why.join('\n'),
      fix: 'Let the policy decide on one of them (psactl backup protect ID --off), or raise max-protected-backups of the storage.',
      code: 'TOO_MANY_PROTECTED',
    });
}
