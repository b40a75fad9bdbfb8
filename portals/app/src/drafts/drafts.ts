const PREFIX = 'psa.draft.';

/** `tab`: until the tab is closed. `device`: also after that, for what is written at length. */
export type DraftPlace = 'tab' | 'device';

const storageOf = (place: DraftPlace): Storage => (place === 'tab' ? sessionStorage : localStorage);

/** A text that was begun; null when there is none or storage is denied. */
export function readDraft<T>(name: string, place: DraftPlace = 'tab'): T | null {
  try {
    return JSON.parse(storageOf(place).getItem(PREFIX + name) ?? 'null') as T | null;
  } catch {
    return null;
  }
}

/** Keeps a draft; null forgets it. */
export function writeDraft(name: string, value: unknown, place: DraftPlace = 'tab'): void {
  try {
    if (value === null) storageOf(place).removeItem(PREFIX + name);
    else storageOf(place).setItem(PREFIX + name, JSON.stringify(value));
  } catch {
    // Denied or full: the text lives in the page alone.
  }
}

/** Forgets every draft: who signs out leaves nothing behind on a shared computer. */
export function dropDrafts(): void {
  for (const place of ['tab', 'device'] as const) {
    try {
      const storage = storageOf(place);
      for (const key of Object.keys(storage)) if (key.startsWith(PREFIX)) storage.removeItem(key);
    } catch {
      // Denied: nothing was kept.
    }
  }
}
