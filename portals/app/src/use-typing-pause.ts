import { useEffect, useRef } from 'react';
import { useIsLeaving } from './router.tsx';

/**
 * Calls `run` when typing has paused for `delay` ms. Not while another page is on its way: a search that follows the
 * typing changes the address, and would call the reader back from where they have just gone.
 */
export function useTypingPause(text: string, delay: number, run: (text: string) => void): void {
  const isLeaving = useIsLeaving();
  const latest = useRef({ run, isLeaving });
  useEffect(() => {
    latest.current = { run, isLeaving };
  });
  useEffect(() => {
    const timer = setTimeout(() => {
      if (!latest.current.isLeaving()) latest.current.run(text);
    }, delay);
    return () => clearTimeout(timer);
  }, [text, delay]);
}
