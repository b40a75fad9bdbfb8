/** Working time being measured on one ticket. Instants in ms since epoch. */
export interface Timer {
  ticketId: string;
  ticketNumber: number;
  title: string;
  /** When the measuring began for the first time. */
  beganAt: number;
  /** Measured before the last pause. */
  collected: number;
  /** Since when it runs; null while paused. */
  runningSince: number | null;
}

/** The API takes at most a day per entry. */
export const MAX_MINUTES = 1440;

export function startTimer(ticket: { id: string; ticket_number: number; title: string }, now: number): Timer {
  return {
    ticketId: ticket.id,
    ticketNumber: ticket.ticket_number,
    title: ticket.title,
    beganAt: now,
    collected: 0,
    runningSince: now,
  };
}

/** Milliseconds measured so far. A clock that was set back counts as no time, never as negative time. */
export function elapsed(timer: Timer, now: number): number {
  return timer.collected + (timer.runningSince === null ? 0 : Math.max(0, now - timer.runningSince));
}

export function pauseTimer(timer: Timer, now: number): Timer {
  return timer.runningSince === null
    ? timer
    : { ...timer, collected: elapsed(timer, now), runningSince: null };
}

export function resumeTimer(timer: Timer, now: number): Timer {
  return timer.runningSince === null ? { ...timer, runningSince: now } : timer;
}

/** What is booked: every minute begun, at least one, at most a day. */
export function bookableMinutes(timer: Timer, now: number): number {
  return Math.min(MAX_MINUTES, Math.max(1, Math.ceil(elapsed(timer, now) / 60_000)));
}

/** Reads a stored timer; null when there is none or it is not one. */
export function readTimer(text: string | null): Timer | null {
  if (!text) return null;
  try {
    const t = JSON.parse(text) as Partial<Timer> | null;
    const whole =
      typeof t === 'object' &&
      t !== null &&
      typeof t.ticketId === 'string' &&
      typeof t.ticketNumber === 'number' &&
      typeof t.title === 'string' &&
      Number.isFinite(t.beganAt) &&
      Number.isFinite(t.collected) &&
      (t.collected ?? -1) >= 0 &&
      (t.runningSince === null || Number.isFinite(t.runningSince));
    return whole ? (t as Timer) : null;
  } catch {
    return null;
  }
}

/** 3:05, 1:02:45 – for a running display. */
export function clockText(ms: number): string {
  const seconds = Math.floor(Math.max(0, ms) / 1000);
  const two = (value: number) => String(value).padStart(2, '0');
  const h = Math.floor(seconds / 3600);
  const m = Math.floor((seconds % 3600) / 60);
  return h > 0 ? `${h}:${two(m)}:${two(seconds % 60)}` : `${m}:${two(seconds % 60)}`;
}
