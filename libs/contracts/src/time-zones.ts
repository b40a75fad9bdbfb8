// Free of TypeBox, so that a browser loads the rule without the schemas.

/**
 * The name of a time zone as the IANA database spells it, from what was typed; null when there is none of that name.
 * Fixed offsets (`+02:00`), which Intl takes too, are none: they have no daylight saving and are nearly always a
 * mistake. Whoever means one writes `Etc/GMT-2`.
 */
export function timeZoneOf(name: string): string | null {
  if (!/^[A-Za-z]/.test(name)) return null;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone;
  } catch {
    return null;
  }
}

/** Whether there is a time zone of this name. */
export const isTimeZone = (name: string): boolean => timeZoneOf(name) !== null;
