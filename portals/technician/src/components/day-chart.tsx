import type { TicketStats } from '@psa/app/api/types';
import { useFormats } from '@psa/ui/i18n/format';
import { useId } from 'react';
import { messages } from '../i18n/dashboard-messages.ts';

const WIDTH = 300;
const HEIGHT = 80;

/** Two lines over the days: opened and resolved, with their sums in the legend and a table for screen readers. */
export function DayChart({ title, days }: { title: string; days: TicketStats['created_per_day'] }) {
  const t = messages.useT();
  const formats = useFormats();
  const id = useId();
  const created = days.map((day) => day.created);
  const resolved = days.map((day) => day.resolved);
  const highest = Math.max(1, ...created, ...resolved);
  // Both lines on one scale that begins at zero, so that they can be compared.
  const path = (values: readonly number[]) =>
    values
      .map((value, i) => {
        const x = values.length === 1 ? WIDTH / 2 : (i / (values.length - 1)) * WIDTH;
        return `${i === 0 ? 'M' : 'L'}${x.toFixed(1)} ${(HEIGHT - (value / highest) * HEIGHT).toFixed(1)}`;
      })
      .join('');
  const sum = (values: readonly number[]) => formats.number(values.reduce((a, b) => a + b, 0));
  const first = days[0]?.day;
  const last = days.at(-1)?.day;
  return (
    <figure className="chart" aria-labelledby={id}>
      <figcaption id={id} className="chart-title">
        {title}
      </figcaption>
      <svg viewBox={`0 -3 ${WIDTH} ${HEIGHT + 6}`} height="96" preserveAspectRatio="none" aria-hidden="true">
        <path className="chart-base" d={`M0 ${HEIGHT}L${WIDTH} ${HEIGHT}`} />
        <path className="mark-line fill-accent" d={path(created)} />
        <path className="mark-line fill-warn dashed" d={path(resolved)} />
      </svg>
      <div className="row muted num chart-axis" aria-hidden="true">
        <span>{first && formats.date(first)}</span>
        <span className="spacer" />
        <span>{last && formats.date(last)}</span>
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
