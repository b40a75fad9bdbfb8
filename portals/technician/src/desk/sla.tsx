import { fieldTexts } from '@psa/app/api/field-text';
import type { Calendar, Priority, SlaPolicy } from '@psa/app/api/types';
import { DeleteAction } from '@psa/app/components/delete-action';
import { useDraft } from '@psa/app/drafts/use-draft';
import { may, useMe } from '@psa/app/session/session';
import { Checkbox } from '@psa/ui/components/checkbox';
import { NativeSelect } from '@psa/ui/components/native-select';
import { Badge } from '@psa/ui/components/pill';
import { Table } from '@psa/ui/components/table';
import { TextField } from '@psa/ui/components/text-field';
import { useFormats } from '@psa/ui/i18n/format';
import { type Language, useLanguage } from '@psa/ui/i18n/i18n';
import { readDuration } from '@psa/ui/i18n/typed';
import { uiMessages } from '@psa/ui/i18n/ui-messages';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { calendarsQuery, policiesQuery } from '../api/desk.ts';
import { FormDialog } from '../components/form-dialog.tsx';
import { messages } from '../i18n/settings-messages.ts';
import { PRIORITIES } from '../tickets/filter.ts';
import { Section } from './section.tsx';
import { editColumn } from './teams.tsx';
import { useDeskSaving } from './use-desk-saving.ts';

type Pausable = SlaPolicy['pause_on'][number];
/** Statuses in which a clock may stand still: those of open tickets. */
const PAUSABLE: readonly Pausable[] = ['new', 'assigned', 'in_progress', 'waiting_customer'];
/** What a new policy begins with. */
const USUAL_PAUSES: Pausable[] = ['waiting_customer'];
type Target = { response_minutes: number | null; resolution_minutes: number | null };
const targetOf = (policy: SlaPolicy, priority: Priority) =>
  (policy.targets as Record<Priority, Target>)[priority];

export function SlaPolicies() {
  const t = messages.useT();
  const u = uiMessages.useT();
  const me = useMe();
  const formats = useFormats();
  const policies = useQuery(policiesQuery);
  const { data: calendars = [] } = useQuery(calendarsQuery);
  const [editing, setEditing] = useState<SlaPolicy | 'new' | null>(null);
  const manage = may(me, 'desk:manage');
  const time = (minutes: number | null) => (minutes === null ? '–' : formats.workTime(minutes * 60_000));
  return (
    <>
      <Section
        title={t('sla')}
        note={t('sla.note')}
        query={policies}
        create={manage && { label: t('sla.new'), run: () => setEditing('new') }}
      >
        {(rows) => (
          <Table
            caption={t('sla')}
            rows={rows}
            rowKey={(row) => row.id}
            columns={[
              {
                id: 'name',
                header: t('name'),
                rowHeader: true,
                cell: (row) => (
                  <>
                    {row.name} {row.is_default && <Badge tone="info">{t('sla.default')}</Badge>}
                  </>
                ),
              },
              {
                id: 'calendar',
                header: t('sla.calendar'),
                cell: (row) =>
                  row.calendar_id === null
                    ? t('sla.around_the_clock')
                    : (calendars.find(({ id }) => id === row.calendar_id)?.name ?? '…'),
              },
              ...PRIORITIES.toReversed().map((priority) => ({
                id: priority,
                header: u(`priority.${priority}`),
                cell: (row: SlaPolicy) => {
                  const target = targetOf(row, priority);
                  return (
                    <span className="num sla-targets">
                      {time(target.response_minutes)} / {time(target.resolution_minutes)}
                    </span>
                  );
                },
              })),
              ...(manage ? [editColumn<SlaPolicy>(t, setEditing)] : []),
            ]}
          />
        )}
      </Section>
      {editing && (
        <PolicyDialog
          policy={editing === 'new' ? null : (policies.data?.find(({ id }) => id === editing.id) ?? editing)}
          calendars={calendars}
          onClose={() => setEditing(null)}
        />
      )}
    </>
  );
}

const FIELDS = ['response_minutes', 'resolution_minutes'] as const;

/** Minutes as typed; null for none, undefined when it is no duration the API takes. A day is one of the business hours. */
function readMinutes(text: string, language: Language, dayMinutes: number): number | null | undefined {
  if (text.trim() === '') return null;
  const minutes = readDuration(text, language, { dayMinutes });
  return minutes !== null && minutes >= 1 && minutes <= 525_600 ? minutes : undefined;
}

/** Minutes of a usual day in these business hours: the longest of the week; of all hours without them. */
function workingDay(calendar: Calendar | undefined): number {
  if (!calendar) return 1440;
  const minute = (time: string) => Number(time.slice(0, 2)) * 60 + Number(time.slice(3));
  const days = Object.values(calendar.week).map((hours) =>
    hours.reduce((sum, { start, end }) => sum + minute(end) - minute(start), 0),
  );
  return Math.max(0, ...days) || 1440;
}

function PolicyDialog(props: {
  policy: SlaPolicy | null;
  calendars: readonly Calendar[];
  onClose: () => void;
}) {
  const t = messages.useT();
  const u = uiMessages.useT();
  const formats = useFormats();
  const [language] = useLanguage();
  const { policy } = props;
  const time = (minutes: number | null) => (minutes === null ? '' : formats.workTime(minutes * 60_000));
  const desk = useDeskSaving('/sla-policies', 'sla_policy');
  const draft = useDraft(`edit.sla-policy.${policy?.id ?? 'new'}`, {
    name: policy?.name ?? '',
    calendar: policy ? (policy.calendar_id ?? '') : (props.calendars[0]?.id ?? ''),
    isDefault: policy?.is_default ?? false,
    pauseOn: policy?.pause_on ?? USUAL_PAUSES,
    targets: Object.fromEntries(
      PRIORITIES.flatMap((priority) =>
        FIELDS.map((field) => [`${priority}.${field}`, time(policy && targetOf(policy, priority)[field])]),
      ),
    ) as Record<string, string>,
  });
  const { name, calendar, isDefault, pauseOn, targets } = draft.value;
  const dayMinutes = workingDay(props.calendars.find(({ id }) => id === calendar));
  const minutesOf = (text: string) => readMinutes(text, language, dayMinutes);
  const bad = PRIORITIES.toReversed()
    .flatMap((priority) => FIELDS.map((field) => ({ priority, field })))
    .find(({ priority, field }) => minutesOf(targets[`${priority}.${field}`] ?? '') === undefined);
  const fieldName = (priority: Priority, field: (typeof FIELDS)[number]) =>
    t('sla.field', {
      priority: u(`priority.${priority}`),
      what: t(field === 'response_minutes' ? 'sla.response' : 'sla.resolution'),
    });

  const body = () => ({
    name: name.trim(),
    calendar_id: calendar || null,
    pause_on: pauseOn,
    ...(isDefault === (policy?.is_default ?? false) ? {} : { is_default: isDefault }),
    targets: Object.fromEntries(
      PRIORITIES.map((priority) => [
        priority,
        Object.fromEntries(FIELDS.map((field) => [field, minutesOf(targets[`${priority}.${field}`] ?? '')])),
      ]),
    ),
  });

  return (
    <FormDialog
      title={policy ? t('edit', { name: policy.name }) : t('sla.new')}
      wide
      draft={draft}
      isValid={!bad && name.trim() !== ''}
      conflict={t('conflict')}
      onSave={(key) => desk.save(policy, body(), key)}
      onClose={props.onClose}
      // Tickets without a policy of their own go by the default: it can be replaced, not deleted.
      extra={
        policy &&
        !policy.is_default && (
          <DeleteAction
            question={t('delete_sure', { name: policy.name })}
            onDelete={() => desk.remove(policy).then(props.onClose)}
          />
        )
      }
    >
      {({ tried, error }) => {
        const refused = fieldTexts(error);
        const why = bad
          ? t('sla.number_bad', { field: fieldName(bad.priority, bad.field) })
          : Object.entries(refused).find(([field]) => field.startsWith('targets'))?.[1];
        return (
          <>
            <div className="form-grid">
              <TextField
                autoFocus
                isRequired
                label={t('name')}
                maxLength={100}
                value={name}
                error={tried && name.trim() === '' ? t('name_missing') : (refused.name ?? null)}
                onChange={(text) => draft.change({ name: text })}
              />
              <NativeSelect
                label={t('sla.calendar')}
                value={calendar}
                onChange={(id) => draft.change({ calendar: id })}
                options={[
                  { value: '', label: t('sla.around_the_clock') },
                  ...props.calendars.map(({ id, name: label }) => ({ value: id, label })),
                ]}
              />
            </div>
            <Checkbox
              isSelected={isDefault}
              isDisabled={policy?.is_default ?? false}
              onChange={(on) => draft.change({ isDefault: on })}
            >
              {t('sla.default')}
            </Checkbox>
            <fieldset className="plain-fieldset">
              <legend className="label">{t('sla.pause_on')}</legend>
              <div className="checks">
                {PAUSABLE.map((status) => (
                  <Checkbox
                    key={status}
                    isSelected={pauseOn.includes(status)}
                    onChange={(on) =>
                      draft.change({
                        pauseOn: PAUSABLE.filter((one) => (one === status ? on : pauseOn.includes(one))),
                      })
                    }
                  >
                    {u(`status.${status}`)}
                  </Checkbox>
                ))}
              </div>
            </fieldset>
            <p className="muted">{t('sla.unit')}</p>
            <Table
              caption={t('sla')}
              rows={PRIORITIES.toReversed()}
              rowKey={(priority) => priority}
              columns={[
                {
                  id: 'priority',
                  header: t('rule.priority'),
                  rowHeader: true,
                  cell: (p) => u(`priority.${p}`),
                },
                ...FIELDS.map((field) => {
                  const what = t(field === 'response_minutes' ? 'sla.response' : 'sla.resolution');
                  return {
                    id: field,
                    header: what,
                    cell: (priority: Priority) => {
                      const key = `${priority}.${field}`;
                      const text = targets[key] ?? '';
                      return (
                        <input
                          className="input"
                          aria-label={fieldName(priority, field)}
                          aria-invalid={
                            minutesOf(text) === undefined || `targets.${key}` in refused || undefined
                          }
                          value={text}
                          onChange={(event) =>
                            draft.change({ targets: { ...targets, [key]: event.target.value } })
                          }
                          // What was understood is said in our words: two days of eight hours are 16 hours.
                          onBlur={() => {
                            const minutes = minutesOf(text);
                            if (minutes === undefined || time(minutes) === text) return;
                            draft.change({ targets: { ...targets, [key]: time(minutes) } });
                          }}
                        />
                      );
                    },
                  };
                }),
              ]}
            />
            <div role="alert">{why && <p className="field-error">{why}</p>}</div>
          </>
        );
      }}
    </FormDialog>
  );
}
