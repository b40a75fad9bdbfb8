import { type ApiClient, createApiClient } from './api-client.ts';
import { readSetting, writeSetting } from './settings.ts';

let signedOut: (() => void) | undefined;

/** What to do when the session is lost beyond renewal; set once by the portal's router. */
export function onSignedOut(action: () => void): void {
  signedOut = action;
}

/** The portal's client: same origin, one session for all tabs of the browser. */
export const api: ApiClient = createApiClient({
  onSignedOut: () => signedOut?.(),
  async exclusively(task) {
    // Web Locks exist on secure origins only; without them one tab still serialises itself.
    if (!navigator.locks) return task();
    return (await navigator.locks.request('psa-session', task)) as Awaited<ReturnType<typeof task>>;
  },
  renewedAt: {
    get: () => Number(readSetting('refreshed_at') ?? 0),
    set: (at) => writeSetting('refreshed_at', String(at)),
  },
});
