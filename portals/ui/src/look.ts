import type { IconName } from './components/icon.tsx';

export type Tone = 'neutral' | 'accent' | 'ok' | 'info' | 'warn' | 'danger' | 'violet';
export type TicketStatus = 'new' | 'assigned' | 'in_progress' | 'waiting_customer' | 'resolved' | 'closed';
export type Priority = 'low' | 'medium' | 'high' | 'critical';

/**
 * Every status has a tone and a sign of its own, the same in lists, charts and both portals; colour is never the only
 * difference. In the order of the work.
 */
export const STATUS_LOOK = {
  new: { tone: 'violet', icon: 'circle' },
  assigned: { tone: 'info', icon: 'circleDot' },
  in_progress: { tone: 'accent', icon: 'circleHalf' },
  waiting_customer: { tone: 'warn', icon: 'pause' },
  resolved: { tone: 'ok', icon: 'circleCheck' },
  closed: { tone: 'neutral', icon: 'check' },
} as const satisfies Record<TicketStatus, { tone: Tone; icon: IconName }>;

export const PRIORITY_LOOK = {
  low: { tone: 'neutral', icon: 'signal1' },
  medium: { tone: 'info', icon: 'signal2' },
  high: { tone: 'warn', icon: 'signal3' },
  critical: { tone: 'danger', icon: 'alert' },
} as const satisfies Record<Priority, { tone: Tone; icon: IconName }>;
