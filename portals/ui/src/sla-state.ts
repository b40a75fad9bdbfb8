/** One SLA deadline of a ticket, as the API gives it. Instants as ISO text or ms. */
export interface SlaDeadline {
  dueAt: string | number | null;
  /** When the clock began; with it the bar can show how much is used up. */
  startedAt?: string | number | null;
  /** When it was fulfilled (first response sent, ticket resolved). */
  metAt?: string | number | null;
  /** The clock stands still since then (waiting for the customer). */
  pausedAt?: string | number | null;
}

export type SlaPhase = 'none' | 'running' | 'at_risk' | 'overdue' | 'paused' | 'met' | 'missed';

export interface SlaState {
  phase: SlaPhase;
  /** Milliseconds until due at `now` (or at the pause); negative when overdue. 0 where nothing runs. */
  remaining: number;
  /** Share of the time used up, 0 to 1; null when the start is unknown. */
  used: number | null;
}

/** At risk: less than a fifth of the time is left, or under an hour when the start is unknown. */
const RISK_SHARE = 0.8;
const RISK_MS = 3_600_000;

const instant = (value: string | number | null | undefined): number | null => {
  if (value === null || value === undefined) return null;
  const ms = new Date(value).getTime();
  return Number.isNaN(ms) ? null : ms;
};

/** Where a deadline stands at `now`. The due time already contains business hours; here wall time counts. */
export function slaState(deadline: SlaDeadline, now: number): SlaState {
  const due = instant(deadline.dueAt);
  const paused = instant(deadline.pausedAt);
  // While the clock stands still, when it would run out is unknown.
  if (due === null) return { phase: paused === null ? 'none' : 'paused', remaining: 0, used: null };
  const started = instant(deadline.startedAt);
  const met = instant(deadline.metAt);
  if (met !== null) return { phase: met <= due ? 'met' : 'missed', remaining: 0, used: null };
  const at = paused ?? now;
  const remaining = due - at;
  const used =
    started === null || due <= started ? null : Math.min(1, Math.max(0, (at - started) / (due - started)));
  if (remaining < 0) return { phase: 'overdue', remaining, used: 1 };
  if (paused !== null) return { phase: 'paused', remaining, used };
  const risky = used === null ? remaining < RISK_MS : used >= RISK_SHARE;
  return { phase: risky ? 'at_risk' : 'running', remaining, used };
}
