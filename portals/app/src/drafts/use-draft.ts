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
  /** A field that was typed into was changed by somebody else meanwhile: to save it would undo that. */
  overtaken: boolean;
}

const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);

/** What each field was before it was typed into, beside what was typed. */
const FROM = '$from';
type Kept<T> = Partial<T> & { [FROM]?: Partial<T> };

/** What was typed, and over what; without the fields in which that is the same. */
interface Typed<T> {
  readonly fields: Partial<T>;
  readonly from: Partial<T>;
}

function readTyped<T>(key: string, place: DraftPlace): Typed<T> | null {
  const kept = readDraft<Kept<T>>(key, place);
  if (kept === null) return null;
  const { [FROM]: from = {}, ...fields } = kept;
  return { fields: fields as Partial<T>, from: from as Partial<T> };
}

function typedOver<T extends object>(before: Typed<T>, base: T, changes: Partial<T>): Typed<T> {
  const fields = { ...before.fields };
  const from = { ...before.from };
  for (const field of Object.keys(changes) as (keyof T)[]) {
    if (same(changes[field], base[field])) {
      delete fields[field];
      delete from[field];
    } else {
      if (!(field in fields)) from[field] = base[field];
      fields[field] = changes[field];
    }
  }
  return { fields, from };
}

function keep<T extends object>(
  key: string,
  place: DraftPlace,
  { fields, from }: Typed<T>,
  secret: readonly (keyof T)[],
) {
  const open = (part: Partial<T>) =>
    Object.fromEntries(Object.entries(part).filter(([field]) => !secret.includes(field as keyof T)));
  const kept = open(fields);
  writeDraft(key, Object.keys(kept).length === 0 ? null : { ...kept, [FROM]: open(from) }, place);
}

const NOTHING = { fields: {}, from: {} };

/**
 * What is typed into a form, kept for this person over a lost session, a reload and a wrong click, until it is sent or
 * thrown away. Only what differs from `base` (the empty form, or the thing that is edited) is kept, so that a field that
 * others change meanwhile shows their value, also while the form is open; one that was typed into stays, and says so. The
 * values must be JSON.
 */
export function useDraft<T extends object>(name: string, base: T, options: DraftOptions<T> = {}): Draft<T> {
  const key = `${useMe().id}.${name}`;
  const { place = 'tab' } = options;
  // What holds now, also within one and the same event and for changes that come later.
  const now = useRef({ base, secret: options.secret ?? [], worth: options.worth });
  now.current = { base, secret: options.secret ?? [], worth: options.worth };
  const [kept] = useState(() => readTyped<T>(key, place));
  const [typed, setTyped] = useState<Typed<T>>(kept ?? NOTHING);
  const [restored, setRestored] = useState(kept !== null);
  const latest = useRef(typed);
  const set = useCallback((next: Typed<T>) => {
    latest.current = next;
    setTyped(next);
  }, []);
  const change = useCallback(
    (changes: Partial<T>) => {
      const { base: over, secret, worth } = now.current;
      set(typedOver(latest.current, over, changes));
      const isWorth = worth?.({ ...over, ...latest.current.fields }) ?? true;
      keep(key, place, isWorth ? latest.current : NOTHING, secret);
    },
    [key, place, set],
  );
  const clear = useCallback(() => {
    set(NOTHING);
    setRestored(false);
    writeDraft(key, null, place);
  }, [key, place, set]);
  const value = { ...base, ...typed.fields };
  const overtaken = (Object.keys(typed.from) as (keyof T)[]).some(
    (field) => !same(typed.from[field], base[field]) && !same(value[field], base[field]),
  );
  return { value, change, clear, restored, overtaken };
}
