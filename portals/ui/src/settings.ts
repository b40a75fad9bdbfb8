const PREFIX = 'psa.';

/** Names of what the browser remembers for a person on this device. `public/theme.js` reads `theme` too. */
export type SettingName = 'theme' | 'language' | 'hotkeys' | 'refreshed_at' | `view.${string}`;

/** Reads a setting; null when unset or when the browser denies storage (private mode, policy). */
export function readSetting(name: SettingName): string | null {
  // Under Node (tests) merely asking for the storage warns.
  if (typeof document === 'undefined') return null;
  try {
    return globalThis.localStorage?.getItem(PREFIX + name) ?? null;
  } catch {
    return null;
  }
}

/** Remembers a setting; silently lost where storage is denied, because no page depends on it. */
export function writeSetting(name: SettingName, value: string): void {
  if (typeof document === 'undefined') return;
  try {
    globalThis.localStorage?.setItem(PREFIX + name, value);
  } catch {
    // Denied or full: the choice holds until the page is closed.
  }
}
