const PREFIX = 'psa.draft.';

/** A text that was begun in this tab; null when there is none or storage is denied. */
export function readDraft<T>(name: string): T | null {
  try {
    return JSON.parse(sessionStorage.getItem(PREFIX + name) ?? 'null') as T | null;
  } catch {
    return null;
  }
}

/** Keeps a draft while the tab lives; null forgets it. */
export function writeDraft(name: string, value: unknown): void {
  try {
    if (value === null) sessionStorage.removeItem(PREFIX + name);
    else sessionStorage.setItem(PREFIX + name, JSON.stringify(value));
  } catch {
    // Denied or full: the text lives in the page alone.
  }
}

/** Forgets every draft: who signs out leaves nothing behind on a shared computer. */
export function dropDrafts(): void {
  try {
    for (const key of Object.keys(sessionStorage)) {
      if (key.startsWith(PREFIX)) sessionStorage.removeItem(key);
    }
  } catch {
    // Denied: nothing was kept.
  }
}
