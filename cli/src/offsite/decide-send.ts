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
