import type { HaState } from './state.ts';

/** Keys of a service that outlast a time in which nothing is managed. */
const KEPT: ReadonlySet<string> = new Set(['state', 'node', 'uid', 'maintenanceNode']);
/** What must come to its end first. */
const MOVING = /^(?:fence|recovery|migrate|relocate)$/;
const AT_REST = /^(?:started|stopped|request_stop|request_start)$/;

/**
 * A round while HA is disarmed (PVE::HA::Manager, handle_disarm): guests are frozen where they are, or left to whoever
 * moves them. @returns whether nothing else is to be done; not while a guest is between two places
 */
export function disarmedRound(state: HaState, log: (line: string) => void): boolean {
  const { disarm } = state;
  if (!disarm) return false;
  const moving = Object.entries(state.services).filter(([, service]) => MOVING.test(service.state));
  for (const [sid, service] of moving)
    log(`deferring disarm - service '${sid}' is in '${service.state}' state`);
  if (moving.length > 0) return false;
  for (const [sid, service] of Object.entries(state.services)) {
    const isFrozen = disarm.mode === 'freeze' && AT_REST.test(service.state);
    if (disarm.mode === 'freeze' && !isFrozen) continue;
    for (const key of Object.keys(service)) if (!KEPT.has(key)) delete service[key as keyof typeof service];
    if (!isFrozen) continue;
    log(`disarm: freezing service '${sid}' (was '${service.state}')`);
    service.state = 'freeze';
  }
  // The agents are told in the same round.
  disarm.state = 'disarmed';
  return true;
}

/** Takes a wish to disarm or arm; one that changes nothing is passed over. */
export function takeArming(
  state: HaState,
  wish: { readonly kind: 'disarm'; readonly mode: 'freeze' | 'ignore' } | { readonly kind: 'arm' },
  nodeOf: (sid: string) => string | null,
): void {
  if (wish.kind === 'disarm') {
    state.disarm ??= { mode: wish.mode, state: 'disarming' };
    return;
  }
  if (state.disarm?.mode === 'ignore')
    for (const [sid, service] of Object.entries(state.services)) service.node = nodeOf(sid) ?? service.node;
  delete state.disarm;
}
