import type { IconName } from './components/icon.tsx';

export type Tone = 'neutral' | 'ok' | 'info' | 'warn' | 'danger' | 'violet';
export type TicketStatus = 'new' | 'assigned' | 'in_progress' | 'waiting_customer' | 'resolved' | 'closed';
export type Priority = 'low' | 'medium' | 'high' | 'critical';

/** Every status has a sign of its own, so that colour is never the only difference. In the order of the work. */
export const STATUS_LOOK = {
  new: { tone: 'violet', icon: 'circle' },
  assigned: { tone: 'info', icon: 'circleDot' },
  in_progress: { tone: 'info', icon: 'circleHalf' },
  waiting_customer: { tone: 'warn', icon: 'pause' },
  resolved: { tone: 'ok', icon: 'circleCheck' },
  closed: { tone: 'neutral', icon: 'check' },
} as const satisfies Record<TicketStatus, { tone: Tone; icon: IconName }>;

/** The tone in a bar of all statuses, where neighbours must differ. */
export const barToneOf = (status: TicketStatus): Tone | 'accent' =>
  status === 'in_progress' ? 'accent' : STATUS_LOOK[status].tone;

export const PRIORITY_LOOK = {
  low: { tone: 'neutral', icon: 'signal1' },
  medium: { tone: 'info', icon: 'signal2' },
  high: { tone: 'warn', icon: 'signal3' },
  critical: { tone: 'danger', icon: 'alert' },
} as const satisfies Record<Priority, { tone: Tone; icon: IconName }>;
