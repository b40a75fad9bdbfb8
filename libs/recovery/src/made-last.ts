/** What tells which of two backups was made after the other one. */
export interface Made {
  readonly id: string;
  /** As its manifest has it; absent: nothing was dated later when it was made. */
  readonly after?: readonly string[] | undefined;
}

/**
 * The backup that was made last: the newest by its date, unless another one says that it was made when that was there already. A
 * clock that was set back, or that was ahead and was put right, dates what is made then before what is there. Pure.
 * @param newestFirst by their dates
 */
export function madeLast<T extends Made>(newestFirst: readonly T[]): T | undefined {
  let [last] = newestFirst;
  const seen = new Set<string>();
  for (
    let next = last;
    next;
    next = newestFirst.find(({ id, after }) => !seen.has(id) && after?.includes(last!.id))
  ) {
    seen.add(next.id);
    last = next;
  }
  return last;
}

/** The backups that are dated after a moment, which is now: what a new one of their kind is made after. */
export const datedLater = (
  backups: readonly { readonly id: string; readonly at: string }[],
  now: Date,
): string[] => backups.filter(({ at }) => Date.parse(at) > now.getTime()).map(({ id }) => id);
