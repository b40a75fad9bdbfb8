/** Where somebody was in a list: which row stood on top, how far it was scrolled, which row was active. */
export interface ListPlace {
  topKey: string | null;
  topIndex: number;
  /** Pixels of the top row that were scrolled away. */
  offset: number;
  activeKey: string | null;
  activeIndex: number;
}

/** Index of `key` near `hint`, looking outwards at most `reach` rows each way; -1 when it is not there. */
export function findNear(
  keyAt: (index: number) => string | undefined,
  count: number,
  key: string,
  hint: number,
  reach = 2000,
): number {
  for (let step = 0; step <= reach; step += 1) {
    if (keyAt(hint + step) === key && hint + step < count) return hint + step;
    if (step > 0 && hint - step >= 0 && keyAt(hint - step) === key) return hint - step;
    if (hint + step >= count && hint - step < 0) break;
  }
  return -1;
}

/** Where the active row goes for a key; null when the key does not move. */
export function moveActive(key: string, active: number, count: number, pageSize: number): number | null {
  if (count === 0) return null;
  const clamp = (index: number) => Math.min(count - 1, Math.max(0, index));
  switch (key) {
    case 'ArrowDown':
    case 'j':
      return clamp(active + 1);
    case 'ArrowUp':
    case 'k':
      return active < 0 ? 0 : clamp(active - 1);
    case 'Home':
      return 0;
    case 'End':
      return count - 1;
    case 'PageDown':
      return clamp(Math.max(0, active) + pageSize);
    case 'PageUp':
      return clamp(active - pageSize);
    default:
      return null;
  }
}

/** Stored place of a list in this tab; null when there is none or storage is denied. */
export function readPlace(storageKey: string): ListPlace | null {
  try {
    const stored: unknown = JSON.parse(sessionStorage.getItem(`psa.place.${storageKey}`) ?? 'null');
    return typeof stored === 'object' && stored !== null && 'topIndex' in stored
      ? (stored as ListPlace)
      : null;
  } catch {
    return null;
  }
}

export function writePlace(storageKey: string, place: ListPlace): void {
  try {
    sessionStorage.setItem(`psa.place.${storageKey}`, JSON.stringify(place));
  } catch {
    // Denied: the list starts at its top next time.
  }
}
