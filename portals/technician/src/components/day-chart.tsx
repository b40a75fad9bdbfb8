import type { TicketStats } from '@psa/app/api/types';
import { Link } from '@psa/app/router';
import { axisTicks } from '@psa/ui/chart-axis';
import { useFormats } from '@psa/ui/i18n/format';
import { useId } from 'react';
import { messages } from '../i18n/dashboard-messages.ts';

/** Days between two dates below the bars. */
const DATE_EVERY = 7;

/**
 * Two bars a day, opened and resolved, on one scale that begins at zero; their sums in the legend. A day leads to what
 * was opened on it; a table says the same to screen readers.
 */
export function DayChart({
  title,
  days,
  linkOf,
}: {
  title: string;
  days: TicketStats['created_per_day'];
  linkOf: (day: string) => string;
}) {
  const t = messages.useT();
  const formats = useFormats();
  const id = useId();
  const created = days.map((day) => day.created);
  const resolved = days.map((day) => day.resolved);
  const ticks = axisTicks(Math.max(1, ...created, ...resolved), 3);
  const top = ticks.at(-1)!;
  const height = (value: number) => ({ height: `${(value / top) * 100}%` });
  const sum = (values: readonly number[]) => formats.number(values.reduce((a, b) => a + b, 0));
  return (
    <figure className="chart" aria-labelledby={id}>
      <figcaption id={id} className="chart-title">
        {title}
      </figcaption>
      <div className="days" aria-hidden="true">
        {ticks.map((tick) => (
          <span key={tick} className="days-tick num" style={{ bottom: `${(tick / top) * 100}%` }}>
            <span>{formats.number(tick)}</span>
          </span>
        ))}
        <div className="days-bars">
          {days.map(({ day, created: opened, resolved: done }, index) => (
            <Link
              key={day}
              to={linkOf(day)}
              tabIndex={-1}
              className="day"
              title={`${formats.date(day)} · ${t('created')}: ${opened} · ${t('resolved')}: ${done}`}
            >
              <span className="day-bar fill-accent" style={height(opened)} />
              <span className="day-bar fill-warn" style={height(done)} />
              {(days.length - 1 - index) % DATE_EVERY === 0 && (
                <span className="day-date num">{formats.date(day).replace(/\/?\d{4}$/, '')}</span>
              )}
            </Link>
          ))}
        </div>
      </div>
      <ul className="legend">
        <li>
          <span className="swatch fill-accent" aria-hidden="true" />
          {t('created')} <strong className="num">{sum(created)}</strong>
        </li>
        <li>
          <span className="swatch fill-warn" aria-hidden="true" />
          {t('resolved')} <strong className="num">{sum(resolved)}</strong>
        </li>
      </ul>
      {/* A table takes no size from outside: hidden by itself it would still make its scroller long. */}
      <div className="visually-hidden">
        <table>
          <caption>{title}</caption>
          <tbody>
            {days.map((day) => (
              <tr key={day.day}>
                <th scope="row">{formats.date(day.day)}</th>
                <td>{`${t('created')}: ${day.created}`}</td>
                <td>{`${t('resolved')}: ${day.resolved}`}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </figure>
  );
}
