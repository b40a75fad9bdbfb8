import { useState } from 'react';
import { api } from './api/browser.ts';

/**
 * For pictures, which the browser fetches by itself: after a failure the session is renewed, as it is for every other
 * request, and the picture asked for once more (`round` is its key).
 */
export function useLoadedAgain(): { round: number; failed: boolean; onError: () => void } {
  const [round, setRound] = useState(0);
  const [failed, setFailed] = useState(false);
  const onError = () => {
    if (round > 0) return setFailed(true);
    api.renewSession().then(
      (alive) => (alive ? setRound(1) : setFailed(true)),
      () => setFailed(true),
    );
  };
  return { round, failed, onError };
}
