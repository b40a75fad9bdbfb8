import { useCallback, useRef, useState } from 'react';
import { useMe } from '../session/session.ts';
import { type DraftPlace, readDraft, writeDraft } from './drafts.ts';

export interface DraftOptions<T> {
  place?: DraftPlace;
  /** Fields that are never written down: passwords. */
  secret?: readonly (keyof T)[];
  /** False: what was chosen so far is not worth keeping without a text. Default: whatever differs is. */
  worth?: (value: T) => boolean;
}

export interface Draft<T> {
  value: T;
  /** Takes over what was typed, and keeps it. */
  change: (changes: Partial<T>) => void;
  /** Back to the beginning, and forgets. */
  clear: () => void;
  /** It began with what had been typed before. */
  restored: boolean;
}

/** The fields in which `value` is another than `base`; null where it is the same. */
function differences<T extends object>(base: T, value: T, secret: readonly (keyof T)[]): Partial<T> | null {
  const changed = (Object.keys(value) as (keyof T)[]).filter(
    (field) => !secret.includes(field) && JSON.stringify(value[field]) !== JSON.stringify(base[field]),
  );
  if (changed.length === 0) return null;
  return Object.fromEntries(changed.map((field) => [field, value[field]])) as Partial<T>;
}

/**
 * What is typed into a form, kept for this person over a lost session, a reload and a wrong click, until it is sent or
 * thrown away. Only what differs from `base` (the empty form, or the thing that is edited) is kept, so that a field that
 * others changed meanwhile shows their value. The values must be JSON.
 */
export function useDraft<T extends object>(name: string, base: T, options: DraftOptions<T> = {}): Draft<T> {
  const key = `${useMe().id}.${name}`;
  const { place = 'tab' } = options;
  const start = useRef({ base, secret: options.secret ?? [], worth: options.worth });
  const [kept] = useState(() => readDraft<Partial<T>>(key, place));
  const [value, setValue] = useState<T>(() => ({ ...base, ...kept }));
  const [restored, setRestored] = useState(kept !== null);
  // What was typed last, also within one and the same event.
  const latest = useRef(value);
  const change = useCallback(
    (changes: Partial<T>) => {
      latest.current = { ...latest.current, ...changes };
      setValue(latest.current);
      const { base: from, secret, worth } = start.current;
      const isWorth = worth?.(latest.current) ?? true;
      writeDraft(key, isWorth ? differences(from, latest.current, secret) : null, place);
    },
    [key, place],
  );
  const clear = useCallback(() => {
    latest.current = start.current.base;
    setValue(start.current.base);
    setRestored(false);
    writeDraft(key, null, place);
  }, [key, place]);
  return { value, change, clear, restored };
}
