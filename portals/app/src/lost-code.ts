const KEY = 'psa.reloaded';
/** A page that fails again so soon after it was loaded anew would be loaded for ever. */
const ONCE_IN_MS = 60_000;

/** What the code of a page could not be fetched with, and whether something on the page then asked to be stayed for. */
const lost = new WeakMap<object, boolean>();

/** From now on notes which errors say that code could not be fetched: an update takes the files of the old release away. */
export function noteLostCode(): void {
  window.addEventListener('vite:preloadError', ({ payload }) => {
    lost.set(payload, !window.dispatchEvent(new Event('beforeunload', { cancelable: true })));
  });
}

export const isLostCode = (error: unknown): error is Error => lost.has(error as object);

/** Loads the page anew, where nothing is lost by that and it was not just done; true when it does. */
export function reloadOnce(error: Error): boolean {
  try {
    if (lost.get(error) || Date.now() - Number(sessionStorage.getItem(KEY)) < ONCE_IN_MS) return false;
    sessionStorage.setItem(KEY, String(Date.now()));
  } catch {
    // Storage is denied: nobody could tell whether it was done.
    return false;
  }
  window.location.reload();
  return true;
}
