import { readSetting, writeSetting } from '@psa/ui/settings';
import { createApiClient } from './client.ts';
import { type Collections, collections, type TypedApi, typed } from './typed.ts';

let signedOut: (() => void) | undefined;

/** What to do when the session is lost beyond renewal; set once by the portal's router. */
export function onSignedOut(action: () => void): void {
  signedOut = action;
}

/** The portals' client: same origin, one session for all tabs of the browser. */
const client = createApiClient({
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

/** The API as its documents promise it. */
export const api: TypedApi = typed(client);
export const kept: Collections = collections(client);

/** Addresses that are no operation of a document: the live stream, and where uploads go. */
export const urlOf = (path: string): string => client.url(path);
