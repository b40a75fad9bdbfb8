import { useMe } from '@psa/ui/session';
import { useCallback, useRef, useState } from 'react';
import { readDraft, writeDraft } from './drafts.ts';

/**
 * State that outlives a lost session, a reload and a wrong click, for this person in this tab. `restored`: it began
 * with a kept draft. `clear` goes back to `empty` and forgets.
 */
export function useDraft<T extends object>(name: string, empty: T) {
  const key = `${useMe().id}.${name}`;
  const [kept] = useState(() => readDraft<Partial<T>>(key));
  const [value, setValue] = useState<T>({ ...empty, ...kept });
  const [restored, setRestored] = useState(kept !== null);
  const start = useRef(empty);
  const change = useCallback(
    (next: T) => {
      setValue(next);
      writeDraft(key, next);
    },
    [key],
  );
  const clear = useCallback(() => {
    setValue(start.current);
    setRestored(false);
    writeDraft(key, null);
  }, [key]);
  return { value, change, clear, restored };
}
