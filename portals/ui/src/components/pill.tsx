import type { ReactNode } from 'react';
import { uiMessages } from '../i18n/ui-messages.ts';
import { Icon, type IconName } from './icon.tsx';

export type Tone = 'neutral' | 'ok' | 'info' | 'warn' | 'danger' | 'violet';

/** A small labelled mark. The text says it; tone and sign only help the eye. */
export function Badge({
  tone = 'neutral',
  icon,
  children,
}: {
  tone?: Tone;
  icon?: IconName;
  children: ReactNode;
}) {
  return (
    <span className={`pill tone-${tone}`}>
      {icon && <Icon name={icon} />}
      {children}
    </span>
  );
}

export type TicketStatus = 'new' | 'assigned' | 'in_progress' | 'waiting_customer' | 'resolved' | 'closed';
export type Priority = 'low' | 'medium' | 'high' | 'critical';

/** Every status has a sign of its own, so that colour is never the only difference. */
export const STATUS_LOOK = {
  new: { tone: 'violet', icon: 'circle' },
  assigned: { tone: 'info', icon: 'circleDot' },
  in_progress: { tone: 'info', icon: 'circleHalf' },
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

export function StatusPill({ status }: { status: TicketStatus }) {
  const t = uiMessages.useT();
  return <Badge {...STATUS_LOOK[status]}>{t(`status.${status}`)}</Badge>;
}

/** `compact` shows the sign alone and keeps the words for screen readers and the pointer. */
export function PriorityPill({ priority, compact }: { priority: Priority; compact?: boolean }) {
  const t = uiMessages.useT();
  const name = t(`priority.${priority}`);
  const { tone, icon } = PRIORITY_LOOK[priority];
  if (!compact) {
    return (
      <Badge tone={tone} icon={icon}>
        {name}
      </Badge>
    );
  }
  return (
    <span className={`pill tone-${tone}`} title={t('priority.label', { name })}>
      <Icon name={icon} />
      <span className="visually-hidden">{name}</span>
    </span>
  );
}
