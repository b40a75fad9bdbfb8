import type { Calendar } from '@psa/app/api/types';
import { DeleteAction } from '@psa/app/components/delete-action';
import { may, useMe } from '@psa/app/session/session';
import { isTimeZone } from '@psa/contracts/time-zones';
import { IconButton } from '@psa/ui/components/button';
import { useLanguage } from '@psa/ui/i18n/i18n';
import { dateText } from '@psa/ui/i18n/typed';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { calendarsQuery, policiesQuery } from '../api/desk.ts';
import { EditDialog, type Values } from '../components/edit-dialog.tsx';
import { messages } from '../i18n/settings-messages.ts';
import { holidaysText, hoursText, readHolidays, readHours, withHolidays } from './business-hours.ts';
import { HolidayFinder } from './holiday-finder.tsx';
import { Section } from './section.tsx';
import { useDeskSaving } from './use-desk-saving.ts';

const DAYS = ['1', '2', '3', '4', '5', '6', '7'] as const;
const MONDAY = new Date(Date.UTC(2024, 0, 1));
/** What new business hours begin with on Monday to Friday. */
const USUAL_HOURS = '08:00–17:00';

/** Business hours and holidays that SLA policies count by. */
export function Calendars() {
  const t = messages.useT();
  const me = useMe();
  const calendars = useQuery(calendarsQuery);
  const [editing, setEditing] = useState<Calendar | 'new' | null>(null);
  const manage = may(me, 'desk:manage');
  return (
    <>
      <Section
        title={t('calendars')}
        query={calendars}
        create={manage && { label: t('calendar.new'), run: () => setEditing('new') }}
      >
        {(rows) =>
          rows.map((calendar) => (
            <CalendarView
              key={calendar.id}
              calendar={calendar}
              {...(manage ? { onEdit: () => setEditing(calendar) } : {})}
            />
          ))
        }
      </Section>
      {editing && (
        <CalendarDialog
          calendar={
            editing === 'new' ? null : (calendars.data?.find(({ id }) => id === editing.id) ?? editing)
          }
          holidaysOf={calendars.data?.[0]}
          onClose={() => setEditing(null)}
        />
      )}
    </>
  );
}

function CalendarView({ calendar, onEdit }: { calendar: Calendar; onEdit?: () => void }) {
  const t = messages.useT();
  const [language] = useLanguage();
  return (
    <article className="stack">
      <div className="row">
        <h3>{calendar.name}</h3>
        {onEdit && <IconButton icon="write" label={t('edit', { name: calendar.name })} onPress={onEdit} />}
      </div>
      <p className="muted">
        {t('calendar.zone')}: {calendar.time_zone}
      </p>
      <dl className="facts">
        {DAYS.map((day) => (
          <div key={day}>
            <dt>{weekday(day)}</dt>
            <dd className="num">{hoursText(calendar.week[day]) || t('calendar.closed')}</dd>
          </div>
        ))}
      </dl>
      {calendar.holidays.length > 0 && (
        <details className="disclosure">
          <summary>{t('calendar.holidays_count', { count: calendar.holidays.length })}</summary>
          <dl className="facts">
            {calendar.holidays.map((holiday) => (
              <div key={holiday.date}>
                <dt className="num">{dateText(holiday.date, language)}</dt>
                <dd>
                  {holiday.name}
                  {holiday.hours?.length ? ` (${hoursText(holiday.hours)})` : ''}
                </dd>
              </div>
            ))}
          </dl>
        </details>
      )}
    </article>
  );
}

function CalendarDialog(props: {
  calendar: Calendar | null;
  /** Whose holidays new business hours begin with: mostly they are the same. */
  holidaysOf: Calendar | undefined;
  onClose: () => void;
}) {
  const t = messages.useT();
  const [language] = useLanguage();
  const { calendar } = props;
  const desk = useDeskSaving('/calendars', 'calendar');
  const { data: policies = [] } = useQuery(policiesQuery);
  const inUse = policies.some((policy) => policy.calendar_id === calendar?.id);
  const check = (v: Values): Values => {
    const bad: Record<string, string> = {};
    if (!isTimeZone(v.time_zone?.trim() ?? '')) bad.time_zone = t('calendar.zone_bad');
    for (const day of DAYS) if (readHours(v[day] ?? '') === null) bad[day] = t('calendar.hours_bad');
    const read = readHolidays(v.holidays ?? '', today());
    if ('badLine' in read) bad.holidays = t('calendar.holidays_bad', { line: read.badLine });
    return bad;
  };
  return (
    <EditDialog
      draft={`calendar.${calendar?.id ?? 'new'}`}
      title={calendar ? t('edit', { name: calendar.name }) : t('calendar.new')}
      fields={[
        { name: 'name', label: t('name'), required: true, maxLength: 100 },
        {
          name: 'time_zone',
          label: t('calendar.zone'),
          hint: t('calendar.zone_hint'),
          required: true,
          maxLength: 64,
        },
        ...DAYS.map((day) => ({
          name: day,
          label: weekday(day),
          maxLength: 200,
          ...(day === '1' ? { hint: t('calendar.hours_hint') } : {}),
        })),
        {
          name: 'holidays',
          label: t('calendar.holidays'),
          kind: 'text',
          hint: t('calendar.holidays_hint'),
          maxLength: 100_000,
          below: (v: Values, change: (text: string) => void) => (
            <HolidayFinder
              timeZone={v.time_zone?.trim() ?? ''}
              known={knownDays(v.holidays ?? '')}
              onAdd={(days) => change(withHolidays(v.holidays ?? '', days, language, today()))}
            />
          ),
        },
      ]}
      values={{
        name: calendar?.name ?? '',
        time_zone: calendar?.time_zone ?? Intl.DateTimeFormat().resolvedOptions().timeZone,
        ...Object.fromEntries(
          DAYS.map((day) => [day, calendar ? hoursText(calendar.week[day]) : day < '6' ? USUAL_HOURS : '']),
        ),
        holidays: holidaysText((calendar ?? props.holidaysOf)?.holidays ?? [], language),
      }}
      check={check}
      missing={t('name_missing')}
      conflict={t('conflict')}
      onClose={props.onClose}
      onSave={(v, key) => {
        const read = readHolidays(v.holidays ?? '', today());
        return desk.save(
          calendar,
          {
            name: v.name?.trim(),
            time_zone: v.time_zone?.trim(),
            week: Object.fromEntries(DAYS.map((day) => [day, readHours(v[day] ?? '') ?? []])),
            holidays: 'holidays' in read ? read.holidays : [],
          },
          key,
        );
      }}
      extra={
        calendar &&
        (inUse ? (
          <span className="muted">{t('calendar.in_use')}</span>
        ) : (
          <DeleteAction
            question={t('delete_sure', { name: calendar.name })}
            onDelete={() => desk.remove(calendar).then(props.onClose)}
          />
        ))
      }
    />
  );
}

/** In the zone of the browser; `sv` writes dates as ISO 8601 does. */
const today = () => new Intl.DateTimeFormat('sv', { dateStyle: 'short' }).format(new Date());

/** Days that stand in the field; none as long as it cannot be read. */
function knownDays(text: string): ReadonlySet<string> {
  const read = readHolidays(text, today());
  return new Set('holidays' in read ? read.holidays.map(({ date }) => date) : []);
}

function weekday(day: string): string {
  const date = new Date(MONDAY.getTime() + (Number(day) - 1) * 86_400_000);
  return new Intl.DateTimeFormat(document.documentElement.lang, { weekday: 'long', timeZone: 'UTC' }).format(
    date,
  );
}
