import { useNow } from '../hooks/use-now.ts';
import { type Formats, useFormats } from '../i18n/format.ts';
import type { Translate } from '../i18n/i18n.ts';
import { uiMessages } from '../i18n/ui-messages.ts';
import { type SlaDeadline, type SlaPhase, type SlaState, slaState } from '../sla-state.ts';
import { Icon, type IconName } from './icon.tsx';

const LOOK: Record<SlaPhase, { tone: 'neutral' | 'ok' | 'warn' | 'danger'; icon: IconName }> = {
  none: { tone: 'neutral', icon: 'minus' },
  running: { tone: 'ok', icon: 'clock' },
  at_risk: { tone: 'warn', icon: 'alert' },
  overdue: { tone: 'danger', icon: 'alert' },
  paused: { tone: 'neutral', icon: 'pause' },
  met: { tone: 'ok', icon: 'circleCheck' },
  missed: { tone: 'danger', icon: 'close' },
};

/** The sentence of the clock: "Lösung fällig in 2 Std. 10 Min." */
export function slaText(
  state: SlaState,
  kind: 'response' | 'resolution',
  t: Translate<(typeof uiMessages)['de']>,
  formats: Formats,
): string {
  const what = t(`sla.${kind}`);
  const time = formats.duration(state.remaining);
  switch (state.phase) {
    case 'none':
      return t('sla.none');
    case 'running':
    case 'at_risk':
      return t('sla.due_in', { what, time });
    case 'overdue':
      return t('sla.overdue', { what, time });
    case 'paused':
      return state.remaining > 0 ? t('sla.paused', { what, time }) : t('sla.paused_plain', { what });
    case 'met':
      return t('sla.met', { what });
    case 'missed':
      return t('sla.missed', { what });
  }
}

export interface SlaClockProps extends SlaDeadline {
  kind: 'response' | 'resolution';
  /** Time alone, without the word before it; for columns that say it in their head. */
  compact?: boolean;
}

/** Remaining time as words, a sign and a bar. */
export function SlaClock({ kind, compact, ...deadline }: SlaClockProps) {
  const t = uiMessages.useT();
  const formats = useFormats();
  const state = slaState(deadline, useNow());
  const look = LOOK[state.phase];
  const text = slaText(state, kind, t, formats);
  const timed = state.phase === 'running' || state.phase === 'at_risk' || state.phase === 'overdue';
  const short =
    !compact || state.phase === 'none' ? null : timed ? timeOf(state, formats) : shortOf(state, t);
  const due =
    deadline.dueAt === null ? undefined : t('sla.due_at', { time: formats.dateTime(deadline.dueAt) });
  return (
    <span className={`sla sla-${look.tone}`} title={short ? `${text}. ${due ?? ''}` : due}>
      <span className="sla-text num">
        <Icon name={look.icon} />
        {short === null ? (
          text
        ) : (
          <>
            <span aria-hidden="true">{short}</span>
            <span className="visually-hidden">{text}</span>
          </>
        )}
      </span>
      {state.used !== null && state.phase !== 'none' && <Meter share={state.used} tone={look.tone} />}
    </span>
  );
}

const timeOf = (state: SlaState, formats: Formats): string =>
  `${state.phase === 'overdue' && state.remaining <= -30_000 ? '−' : ''}${formats.duration(state.remaining)}`;

const shortOf = ({ phase }: SlaState, t: Translate<(typeof uiMessages)['de']>): string | null =>
  phase === 'met' || phase === 'missed' || phase === 'paused' ? t(`sla.${phase}_short`) : null;

/** A bar beside a text that says the same, hence hidden from screen readers. */
export function Meter({ share, tone }: { share: number; tone: string }) {
  return (
    <svg className={`meter fill-${tone}`} viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
      <rect className="meter-fill" width={100 * Math.min(1, Math.max(0, share))} height="4" rx="1" />
    </svg>
  );
}
