/** Pieces that patience is counted in; a wait takes one of them longer than asked for at most. */
const PIECES = 20;

/**
 * Calls `done` after `ms` in which this process was on time; returns how to give the wait up.
 *
 * A timer alone takes the own lateness for another's silence: held up for longer than it waits (garbage, a long
 * computation, a machine that others keep busy), it goes off before the answer is read that has lain in the socket
 * meanwhile. A piece that comes late counts once, and what has come is read between two of them.
 */
export function afterPatience(ms: number, done: () => void): () => void {
  let left = PIECES;
  const timer = setInterval(() => {
    if (--left > 0) return;
    clearInterval(timer);
    done();
  }, ms / PIECES);
  return () => clearInterval(timer);
}
