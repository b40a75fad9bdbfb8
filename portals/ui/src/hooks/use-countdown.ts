import { useEffect, useState } from 'react';

const leftOf = (until: number | null) => (until === null ? 0 : Math.max(0, until - Date.now()));

/** Milliseconds until `until` (ms since epoch), each second anew; 0 when it is over or null. */
export function useCountdown(until: number | null): number {
  const [left, setLeft] = useState(() => leftOf(until));
  useEffect(() => {
    setLeft(leftOf(until));
    if (leftOf(until) === 0) return;
    const timer = setInterval(() => {
      const next = leftOf(until);
      setLeft(next);
      if (next === 0) clearInterval(timer);
    }, 1000);
    return () => clearInterval(timer);
  }, [until]);
  return left;
}
