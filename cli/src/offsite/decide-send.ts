import type { RemoteCopy } from '@psa/recovery/offsite/receipt';
import type { ShelvedBackup } from '@psa/recovery/shelf';

/** Backups, by what becomes of them. */
export interface SendDecision<T> {
  readonly send: readonly T[];
  /** A good copy is there. */
  readonly there: readonly T[];
  /** A Proxmox Backup Server has it, which copies by a sync job of its own. */
  readonly elsewhere: readonly T[];
  /** It is not good, so there is nothing to copy. */
  readonly unfit: readonly T[];
}

/**
 * The backups that a remote shall have: those of its generations; and the newest good one of the releases, which a run
 * does not take again while they are the same, so that they may be of another generation.
 * @param backups the newest first
 */
export function wantedOn<T extends Pick<ShelvedBackup, 'id' | 'kind' | 'state' | 'tier'>>(
  backups: readonly T[],
  generations: readonly string[],
): readonly T[] {
  const releases = backups.find(({ kind, state }) => kind === 'releases' && state === 'good');
  return backups.filter((one) => one === releases || (one.tier !== null && generations.includes(one.tier)));
}

/** What a remote lacks of the backups that it shall have. */
export function decideSend<T extends Pick<ShelvedBackup, 'id' | 'state' | 'manifest'>>(
  wanted: readonly T[],
  copies: readonly Pick<RemoteCopy, 'id' | 'state'>[],
): SendDecision<T> {
  const good = new Set(copies.filter(({ state }) => state === 'good').map(({ id }) => id));
  const kindOf = ({ id, state, manifest }: T) => {
    if (good.has(id)) return 'there';
    if (manifest?.sha256 === null) return 'elsewhere';
    return state === 'good' ? 'send' : 'unfit';
  };
  const by = Map.groupBy(wanted, kindOf);
  return {
    ...{ send: by.get('send') ?? [], there: by.get('there') ?? [] },
    ...{ elsewhere: by.get('elsewhere') ?? [], unfit: by.get('unfit') ?? [] },
  };
}
