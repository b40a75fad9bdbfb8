import type { SlaExplanation, Ticket } from '@psa/app/api/types';
import { QueryFailure } from '@psa/app/components/error-state';
import { Button } from '@psa/ui/components/button';
import { SlaClock } from '@psa/ui/components/sla-clock';
import { Skeleton } from '@psa/ui/components/states';
import { useFormats } from '@psa/ui/i18n/format';
import { uiMessages } from '@psa/ui/i18n/ui-messages';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { slaQuery } from '../api/tickets.ts';
import { Panel } from '../components/panel.tsx';
import { messages } from '../i18n/ticket-messages.ts';

const SHOWN_STEPS = 8;
const MINUTE = 60_000;

/** Both deadlines, and on demand how they came about. */
export function SlaPanel({ ticket }: { ticket: Ticket }) {
  const t = messages.useT();
  const [open, setOpen] = useState(false);
  const sla = useQuery({ ...slaQuery(ticket.id), enabled: open });
  return (
    <Panel title={t('sla.title')}>
      <div className="sla-pair">
        <SlaClock kind="response" clock={ticket.sla.response} />
        <SlaClock kind="resolution" clock={ticket.sla.resolution} />
      </div>
      <details className="disclosure" open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary>{t('sla.explain')}</summary>
        {sla.isPending && open && <Skeleton lines={4} />}
        <QueryFailure query={sla} />
        {sla.data && <Explanation sla={sla.data} />}
      </details>
    </Panel>
  );
}

function Explanation({ sla }: { sla: SlaExplanation }) {
  const t = messages.useT();
  if (!sla.policy) return <p className="muted">{t('sla.no_policy')}</p>;
  return (
    <div className="stack">
      <p>
        {t('sla.policy', { policy: sla.policy.name })}
        <br />
        {sla.calendar
          ? t('sla.calendar', { calendar: sla.calendar.name, zone: sla.calendar.time_zone })
          : t('sla.around_the_clock')}
      </p>
      <Clock kind="response" clock={sla.response} />
      <Clock kind="resolution" clock={sla.resolution} />
    </div>
  );
}

function Clock({ kind, clock }: { kind: 'response' | 'resolution'; clock: SlaExplanation['response'] }) {
  const t = messages.useT();
  const u = uiMessages.useT();
  const formats = useFormats();
  const [all, setAll] = useState(false);
  const time = (minutes: number) => formats.workTime(minutes * MINUTE);
  const what = u(`sla.${kind}`);
  if (clock.target_minutes === null) return null;
  const steps = all ? clock.steps : clock.steps.slice(-SHOWN_STEPS);
  const facts = [
    t('sla.target', { time: time(clock.target_minutes) }),
    clock.due_at && t('sla.due', { time: formats.dateTime(clock.due_at) }),
    clock.done_at
      ? t('sla.done', { time: formats.dateTime(clock.done_at) })
      : clock.remaining_minutes !== null &&
        t(clock.remaining_minutes >= 0 ? 'sla.remaining' : 'sla.late', {
          time: time(clock.remaining_minutes),
        }),
  ].filter(Boolean);
  return (
    <section aria-label={what}>
      <h3>{what}</h3>
      <p className="muted">{facts.join(' · ')}</p>
      {!all && clock.steps.length > SHOWN_STEPS && (
        <Button kind="quiet" onPress={() => setAll(true)}>
          {t('sla.all_steps', { count: clock.steps.length })}
        </Button>
      )}
      <ol className="timeline" aria-label={t('sla.steps', { what })}>
        {steps.map((step) => (
          <li key={`${step.from}${step.kind}`} className={`timeline-${step.kind}`}>
            <strong>{t(`sla.step.${step.kind}`)}</strong>
            {step.note && step.kind !== 'paused' && <span className="muted"> {step.note}</span>}
            <div className="muted num">
              {t('sla.step_range', { from: formats.dateTime(step.from), to: formats.dateTime(step.to) })}
            </div>
            {step.minutes > 0 && (
              <div className="num">
                {t('sla.step_counted', { minutes: time(step.minutes), total: time(step.total) })}
              </div>
            )}
          </li>
        ))}
      </ol>
    </section>
  );
}
