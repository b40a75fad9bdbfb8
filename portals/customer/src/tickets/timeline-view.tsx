import type { Ticket } from '@psa/app/api/types';
import { useOpener } from '@psa/app/use-opener';
import { Icon, type IconName } from '@psa/ui/components/icon';
import { useFormats } from '@psa/ui/i18n/format';
import { STATUS_LOOK } from '@psa/ui/look';
import { useQuery } from '@tanstack/react-query';
import { historyQuery } from '../api/tickets.ts';
import { messages } from '../i18n/messages.ts';
import { type StepName, timelineOf } from './timeline.ts';

const SIGNS: Record<StepName | 'priority', IconName> = {
  created: 'write',
  taken_down: 'write',
  queued: STATUS_LOOK.new.icon,
  assigned: STATUS_LOOK.assigned.icon,
  started: STATUS_LOOK.in_progress.icon,
  continued: STATUS_LOOK.in_progress.icon,
  asked: STATUS_LOOK.waiting_customer.icon,
  resolved: STATUS_LOOK.resolved.icon,
  closed: STATUS_LOOK.closed.icon,
  reopened: 'refresh',
  priority: 'alert',
};

/** What happened to the ticket, in plain words, the latest on top. */
export function Timeline({ ticket }: { ticket: Ticket }) {
  const t = messages.useT();
  const formats = useFormats();
  const { data } = useQuery(historyQuery(ticket.id));
  const { beneficiary } = useOpener(ticket);
  if (!data || data.length === 0) return null;
  return (
    <section className="stack-tight" aria-labelledby="timeline-title">
      <h2 id="timeline-title">{t('timeline.title')}</h2>
      <ol className="timeline">
        {timelineOf(data)
          .toReversed()
          .map((step) => {
            const when = formats.dateTime(step.at);
            return (
              <li key={step.id}>
                <Icon name={SIGNS[step.name]} />
                <div>
                  <div>
                    {step.name === 'priority'
                      ? t('timeline.priority', { to: t(`priority.${step.to}`) })
                      : step.name === 'taken_down' && beneficiary
                        ? t('timeline.taken_down_for', { name: beneficiary.name })
                        : t(`timeline.${step.name}`)}
                  </div>
                  <time className="hint num" dateTime={step.at}>
                    {step.who ? t('timeline.by', { name: step.who, when }) : when}
                  </time>
                </div>
              </li>
            );
          })}
      </ol>
    </section>
  );
}
