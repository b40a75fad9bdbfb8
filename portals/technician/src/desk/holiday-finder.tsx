import '../styles/settings.css';
import { ErrorText } from '@psa/app/components/error-state';
import { HOLIDAY_REGIONS, type HolidayRegion } from '@psa/contracts/holidays';
import { MAX_ICS_BYTES } from '@psa/contracts/limits';
import { Button } from '@psa/ui/components/button';
import { Checkbox } from '@psa/ui/components/checkbox';
import { NativeSelect } from '@psa/ui/components/native-select';
import { Alert } from '@psa/ui/components/states';
import { useFormats } from '@psa/ui/i18n/format';
import { useLanguage } from '@psa/ui/i18n/i18n';
import { dateText } from '@psa/ui/i18n/typed';
import { useRef, useState } from 'react';
import { type FoundHolidays, holidaysOfFile, holidaysOfRegion } from '../api/desk.ts';
import { holidayMessages as messages } from '../i18n/holiday-messages.ts';
import { type HolidayRun, holidayRuns } from './business-hours.ts';

type Day = FoundHolidays['holidays'][number];

/** Days off by region or out of a calendar file, looked at and chosen before they come into the field. */
export function HolidayFinder(props: {
  timeZone: string;
  /** Days that stand in the field. */
  known: ReadonlySet<string>;
  onAdd: (days: readonly Day[]) => void;
}) {
  const t = messages.useT();
  const formats = useFormats();
  const input = useRef<HTMLInputElement>(null);
  const [region, setRegion] = useState('');
  const [found, setFound] = useState<FoundHolidays | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [pending, setPending] = useState(false);
  const latest = useRef(0);

  async function find(load: () => Promise<FoundHolidays>): Promise<void> {
    // Another choice before the answer: the later one counts.
    latest.current += 1;
    const turn = latest.current;
    setPending(true);
    setError(null);
    setFound(null);
    try {
      const result = await load();
      if (turn === latest.current) setFound(result);
    } catch (thrown) {
      if (turn === latest.current) setError(thrown);
    }
    if (turn === latest.current) setPending(false);
  }

  function choose(file: File | undefined): void {
    if (!file) return;
    setRegion('');
    if (file.size > MAX_ICS_BYTES) {
      latest.current += 1;
      setFound(null);
      setPending(false);
      setError(t('too_large', { max: formats.bytes(MAX_ICS_BYTES) }));
    } else void find(() => holidaysOfFile(file, props.timeZone));
  }

  return (
    <section className="stack" aria-label={t('find')} aria-busy={pending}>
      <div className="row row-wrap">
        <NativeSelect
          label={t('region')}
          hideLabel
          value={region}
          onChange={(value) => {
            setRegion(value);
            if (value !== '') void find(() => holidaysOfRegion(value as HolidayRegion));
          }}
          options={[
            { value: '', label: t('region') },
            ...HOLIDAY_REGIONS.map((value) => ({ value, label: t(`region.${value}`) })),
          ]}
        />
        <Button icon="file" isPending={pending} onPress={() => input.current?.click()}>
          {t('file')}
        </Button>
        <input
          ref={input}
          type="file"
          hidden
          accept=".ics,.ical,text/calendar"
          aria-label={t('file')}
          onChange={(event) => {
            choose(event.target.files?.[0]);
            event.target.value = '';
          }}
        />
      </div>
      <div role="alert">
        {error !== null && (
          <Alert tone="danger">{typeof error === 'string' ? error : <ErrorText error={error} />}</Alert>
        )}
      </div>
      {found && (
        <Choice
          key={latest.current}
          found={found}
          known={props.known}
          onDone={(days) => {
            if (days.length > 0) props.onAdd(days);
            setFound(null);
            setRegion('');
          }}
        />
      )}
    </section>
  );
}

/** What was found, to be chosen from: new days of the whole region are, those of a part of it are not. */
function Choice(props: {
  found: FoundHolidays;
  known: ReadonlySet<string>;
  onDone: (days: readonly Day[]) => void;
}) {
  const t = messages.useT();
  const { found, known } = props;
  const runs = holidayRuns(found.holidays);
  const placeOf = (run: HolidayRun) =>
    found.holidays.find(({ date }) => date === run.dates[0])?.only_in ?? null;
  // What stands in the field already is counted, not shown again.
  const fresh = runs.filter((run) => !run.dates.every((date) => known.has(date)));
  const knownCount = found.holidays.filter(({ date }) => known.has(date)).length;
  const [left, setLeft] = useState<ReadonlySet<string>>(
    () => new Set(runs.filter((run) => placeOf(run) !== null).map(keyOf)),
  );
  const days = fresh
    .filter((run) => !left.has(keyOf(run)))
    .flatMap((run) =>
      found.holidays.filter(({ date, name }) => run.dates.includes(date) && name === run.name),
    )
    .filter(({ date }) => !known.has(date));
  return (
    <div className="stack holiday-choice">
      {runs.length === 0 && <p className="muted">{t('none')}</p>}
      {fresh.length > 0 && (
        <ul className="holiday-list" aria-label={t('found')}>
          {fresh.map((run) => {
            const place = placeOf(run);
            return (
              <li key={keyOf(run)}>
                <Checkbox
                  isSelected={!left.has(keyOf(run))}
                  onChange={(on) => {
                    const next = new Set(left);
                    if (on) next.delete(keyOf(run));
                    else next.add(keyOf(run));
                    setLeft(next);
                  }}
                >
                  <span>
                    <RunText run={run} />
                    {place && <span className="muted">{` (${t(`place.${place}`)})`}</span>}
                  </span>
                </Checkbox>
              </li>
            );
          })}
        </ul>
      )}
      {knownCount > 0 && <p className="muted">{t('known', { count: knownCount })}</p>}
      {found.skipped_count > 0 && (
        <details className="disclosure">
          <summary>{t('skipped', { count: found.skipped_count })}</summary>
          <ul>
            {found.skipped.map(({ name, date, reason }) => (
              <li key={`${date}/${name}/${reason}`}>{`${name}: ${t(`skipped.${reason}`)}`}</li>
            ))}
          </ul>
        </details>
      )}
      <div className="row">
        <Button onPress={() => props.onDone([])}>{t('dismiss')}</Button>
        {days.length > 0 && (
          <Button kind="primary" icon="plus" onPress={() => props.onDone(days)}>
            {t('add', { count: days.length })}
          </Button>
        )}
      </div>
    </div>
  );
}

const keyOf = (run: HolidayRun) => `${run.dates[0]}/${run.name}`;

function RunText({ run }: { run: HolidayRun }) {
  const t = messages.useT();
  const [language] = useLanguage();
  const [first = '', last = first] = [run.dates[0], run.dates.at(-1)];
  const weekday = new Intl.DateTimeFormat(language === 'de' ? 'de-DE' : 'en-GB', {
    weekday: 'short',
    timeZone: 'UTC',
  }).format(new Date(first));
  return (
    <>
      <span className="num">
        {first === last
          ? `${weekday} ${dateText(first, language)}`
          : `${dateText(first, language)}–${dateText(last, language)}`}
      </span>{' '}
      {run.name}
      {first !== last && <span className="muted">{` (${t('days', { count: run.dates.length })})`}</span>}
    </>
  );
}
