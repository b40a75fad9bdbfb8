import { backoff } from './clock.ts';
import type { ProxmoxEngine, RequestOptions } from './engine.ts';
import { ProxmoxError } from './errors.ts';

/** A guest as the HA manager sees it. */
export interface HaService {
  /** `ct:101` */
  readonly sid: string;
  /** Where it is, or is to be. */
  readonly node: string;
  /** `queued starting started stopping stopped disabled fence recovery migrate relocate freeze error` … */
  readonly state: string;
  /** What was asked for. */
  readonly requestState: string | null;
}

/** What to wait for. */
export interface HaWait extends RequestOptions {
  readonly state: string;
  readonly node?: string;
  /** The manager thinks every 10 s; a dead node's guests come up elsewhere after 140 s (5 min). */
  readonly haTimeoutMs?: number;
  /** How long the cluster may be out of reach meanwhile (2 min). */
  readonly unreachableMs?: number;
  /** Told of every change of state. */
  readonly onState?: (service: HaService | null) => void;
}

/** The guests that HA manages. */
export async function haServices(
  engine: ProxmoxEngine,
  options: RequestOptions = {},
): Promise<readonly HaService[]> {
  const { data } = await engine.request('GET', '/cluster/ha/status/current', {}, options);
  return (data as Record<string, string>[])
    .filter((entry) => entry.type === 'service')
    .map((entry) => ({
      sid: entry.sid ?? entry.id?.replace(/^service:/, '') ?? '',
      node: entry.node ?? '',
      // Not `crm_state`: that says "started" while the guest is only being started.
      state: entry.state ?? entry.crm_state ?? '',
      requestState: entry.request_state ?? null,
    }));
}

/** Waits until the HA manager has a guest in a state (and on a node). `error` ends the waiting: only `disabled` clears it. */
export async function waitHa(engine: ProxmoxEngine, sid: string, wait: HaWait): Promise<HaService> {
  const { haTimeoutMs = 5 * 60_000, unreachableMs = 120_000 } = wait;
  const { clock } = engine;
  const start = clock.now();
  let answered = start;
  let seen: HaService | null = null;
  let told = '';
  for (let poll = 1; ; poll++) {
    try {
      const services = await haServices(engine, wait);
      answered = clock.now();
      seen = services.find((service) => service.sid === sid) ?? null;
      const now = seen ? `${seen.state}@${seen.node}` : '-';
      if (now !== told) wait.onState?.(seen);
      told = now;
      if (seen?.state === wait.state && (wait.node === undefined || seen.node === wait.node)) return seen;
      if (seen?.state === 'error' && wait.state !== 'error') throw failure('is in state "error"');
    } catch (error) {
      const away =
        error instanceof ProxmoxError &&
        ['network', 'timeout', 'unreachable'].includes(error.kind) &&
        clock.now() - answered < unreachableMs;
      if (!away) throw error;
    }
    const pause = backoff(Math.min(poll, 4), clock, 500, 3_000);
    if (clock.now() - start + pause > haTimeoutMs)
      throw failure(seen ? `is still ${seen.state} on ${seen.node}` : 'is not managed');
    await clock.sleep(pause, wait.signal);
  }

  function failure(what: string): ProxmoxError {
    return engine.error({
      kind: 'ha',
      method: 'GET',
      path: '/cluster/ha/status/current',
      reason: `${sid} ${what}, wanted ${wait.state}${wait.node === undefined ? '' : ` on ${wait.node}`}`,
      ...(seen?.state === 'error'
        ? { hint: 'Set the resource to "disabled", mend the cause, then set it to "started" again.' }
        : {}),
    });
  }
}
