import type { ReactNode } from 'react';
import { uiMessages } from '../i18n/ui-messages.ts';
import { PRIORITY_LOOK, type Priority, STATUS_LOOK, type TicketStatus, type Tone } from '../look.ts';
import { Icon, type IconName } from './icon.tsx';

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
    <span className={`pill pill-compact tone-${tone}`} title={t('priority.label', { name })}>
      <Icon name={icon} />
      <span className="visually-hidden">{name}</span>
    </span>
  );
}
