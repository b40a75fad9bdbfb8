import { useNow } from '../hooks/use-now.ts';
import { type Formats, useFormats } from '../i18n/format.ts';
import type { Translate } from '../i18n/i18n.ts';
import { uiMessages } from '../i18n/ui-messages.ts';
import { Icon, type IconName } from './icon.tsx';

/** Which of a ticket's two deadlines. */
export type SlaKind = 'response' | 'resolution';

/** A clock as the API tells it: everything in it is reckoned there, in business time. */
export interface SlaFacts {
  phase: 'none' | 'ok' | 'at_risk' | 'breached' | 'paused' | 'met';
  /** Business time used of the target; 1 at the due time. */
  share_used: number | null;
  risk_at: string | null;
  due_at: string | null;
  /** When the goal was reached. */
  done_at: string | null;
}

type Look = 'none' | 'running' | 'at_risk' | 'overdue' | 'paused' | 'met' | 'missed';

const LOOK: Record<Look, { tone: 'neutral' | 'ok' | 'warn' | 'danger'; icon: IconName }> = {
  none: { tone: 'neutral', icon: 'minus' },
  running: { tone: 'ok', icon: 'clock' },
  at_risk: { tone: 'warn', icon: 'alert' },
  overdue: { tone: 'danger', icon: 'alert' },
  paused: { tone: 'neutral', icon: 'pause' },
  met: { tone: 'ok', icon: 'circleCheck' },
  missed: { tone: 'danger', icon: 'close' },
};

const passed = (at: string | null, now: number) => at !== null && Date.parse(at) <= now;

/** How a clock looks at `now` (ms): as it was told, and further where one of its two moments has passed since. */
export function slaLook(clock: SlaFacts, now: number): Look {
  switch (clock.phase) {
    case 'breached':
      return clock.done_at === null ? 'overdue' : 'missed';
    case 'ok':
    case 'at_risk':
      if (passed(clock.due_at, now)) return 'overdue';
      return clock.phase === 'at_risk' || passed(clock.risk_at, now) ? 'at_risk' : 'running';
    default:
      return clock.phase;
  }
}

/** Milliseconds from `now` to the due time as the calendar on the wall counts them, what a person waits; negative after it. */
const untilDue = (clock: SlaFacts, now: number) =>
  clock.due_at === null ? 0 : Date.parse(clock.due_at) - now;

type UiTranslate = Translate<(typeof uiMessages)['de']>;

/** The sentence of the clock: "Lösung: noch 2 Std. 10 Min." */
export function slaText(
  clock: SlaFacts,
  kind: SlaKind,
  now: number,
  t: UiTranslate,
  formats: Formats,
): string {
  const what = t(`sla.${kind}`);
  const time = formats.duration(untilDue(clock, now));
  switch (slaLook(clock, now)) {
    case 'none':
      return t('sla.none');
    case 'running':
    case 'at_risk':
      return t('sla.due_in', { what, time });
    case 'overdue':
      return t('sla.overdue', { what, time });
    case 'paused':
      return t('sla.paused_plain', { what });
    case 'met':
      return t('sla.met', { what });
    case 'missed':
      return t('sla.missed', { what });
  }
}

export interface SlaClockProps {
  kind: SlaKind;
  clock: SlaFacts;
  /** When it is due and by which clock, without a sentence: for columns. */
  compact?: boolean;
}

/** Remaining time as words, when that is, a sign and a bar of the business time that is used. */
export function SlaClock({ kind, clock, compact }: SlaClockProps) {
  const t = uiMessages.useT();
  const formats = useFormats();
  const now = useNow();
  const state = slaLook(clock, now);
  const look = LOOK[state];
  const text = slaText(clock, kind, now, t, formats);
  const due = clock.due_at === null ? undefined : t('sla.due_at', { time: formats.dateTime(clock.due_at) });
  const short = compact && state !== 'none';
  const awaited = state === 'running' || state === 'at_risk' || state === 'overdue';
  return (
    <span className={`sla sla-${look.tone}`} title={short ? `${text}. ${due ?? ''}` : due}>
      <span className="sla-text num">
        <Icon name={look.icon} />
        {short ? (
          <>
            <span aria-hidden="true">{shortText(clock, state, now, t, formats)}</span>
            <span className="sla-kind" aria-hidden="true">
              {t(`sla.${kind}`)}
            </span>
            <span className="visually-hidden">{text}</span>
          </>
        ) : (
          text
        )}
        {!short && awaited && clock.due_at !== null && (
          <span className="sla-due">
            <span className="visually-hidden">, </span>
            {t(state === 'overdue' ? 'sla.since' : 'sla.until', { time: formats.moment(clock.due_at, now) })}
          </span>
        )}
      </span>
      {clock.share_used !== null && state !== 'none' && <Meter share={clock.share_used} tone={look.tone} />}
    </span>
  );
}

function shortText(clock: SlaFacts, state: Look, now: number, t: UiTranslate, formats: Formats): string {
  if (state === 'met' || state === 'missed' || state === 'paused') return t(`sla.${state}_short`);
  return clock.due_at === null ? '' : formats.moment(clock.due_at, now);
}

/** A bar beside a text that says the same, hence hidden from screen readers. */
export function Meter({ share, tone }: { share: number; tone: string }) {
  return (
    <svg className={`meter fill-${tone}`} viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
      <rect className="meter-fill" width={100 * Math.min(1, Math.max(0, share))} height="4" rx="1" />
    </svg>
  );
}
