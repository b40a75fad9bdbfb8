/** What psactl was put into the container `ops` (`psactl backup schedule`), as it stands there or should. */
export interface OpsMark {
  /** The release whose psactl it is. */
  readonly release: string;
  /** Digest of what follows from inventory, releases and secrets: the same whoever puts it there. */
  readonly digest: string;
}

/** What a container `ops` says where psactl was put there before it left a mark. */
export const OPS_UNMARKED = 'unmarked';

/** As it stands in the file. */
export const printOpsMark = ({ release, digest }: OpsMark): string => `${release} ${digest}`;

/**
 * Why psactl and its timers must be put there again; null when they need not.
 * @param there what the container says: a mark, `OPS_UNMARKED`, or null where nobody has put psactl there
 */
export function scheduleReason(there: string | null, wanted: OpsMark): string | null {
  if (there === null || there === printOpsMark(wanted)) return null;
  const release = there.split(' ')[0]!;
  if (release === wanted.release) return 'inventory, secrets or releases changed → as they are here';
  return `psactl ${there === OPS_UNMARKED ? 'of some release' : release} → ${wanted.release}, with its timers`;
}
