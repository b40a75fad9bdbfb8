import { type ReactNode, useId } from 'react';
import { useFormats } from '../i18n/format.ts';
import { uiMessages } from '../i18n/ui-messages.ts';
import { type Datum, drawable, linePath, shares, toneOf, total } from './chart-data.ts';

interface ChartProps {
  /** The heading of the chart, said before its values. */
  title: string;
  data: readonly Datum[];
  /** How a value is written; default a plain number. */
  format?: (value: number) => string;
  hideTitle?: boolean;
}

function Figure(props: {
  title: string;
  hideTitle?: boolean | undefined;
  empty: boolean;
  children: ReactNode;
}) {
  const t = uiMessages.useT();
  const id = useId();
  return (
    <figure className="chart" aria-labelledby={id}>
      <figcaption id={id} className={props.hideTitle ? 'visually-hidden' : 'chart-title'}>
        {props.title}
      </figcaption>
      {props.empty ? <p className="muted">{t('chart.empty')}</p> : props.children}
    </figure>
  );
}

/** Horizontal bars with their labels and values written out, so it reads as a list too. */
export function BarChart({ title, data, format, hideTitle }: ChartProps) {
  const formats = useFormats();
  const write = format ?? formats.number;
  const highest = Math.max(...data.map((d) => drawable(d.value)), 0);
  return (
    <Figure title={title} hideTitle={hideTitle} empty={data.length === 0}>
      <dl className="chart-bars">
        {data.map((datum) => (
          <BarRow key={datum.label} datum={datum} highest={highest} text={write(datum.value)} />
        ))}
      </dl>
    </Figure>
  );
}

function BarRow({ datum, highest, text }: { datum: Datum; highest: number; text: string }) {
  const width = highest === 0 ? 0 : (drawable(datum.value) / highest) * 100;
  return (
    <>
      <dt className="chart-label" title={datum.label}>
        {datum.label}
      </dt>
      <dd aria-hidden="true">
        <svg
          aria-hidden="true"
          className={`fill-${datum.tone ?? 'accent'}`}
          viewBox="0 0 100 10"
          height="10"
          preserveAspectRatio="none"
        >
          <rect className="mark" width={width} height="10" />
        </svg>
      </dd>
      <dd className="num">{text}</dd>
    </>
  );
}

/** Parts of a whole on one bar; the legend carries the values. */
export function StackedBar({ title, data, format, hideTitle }: ChartProps) {
  return (
    <Figure title={title} hideTitle={hideTitle} empty={total(data) === 0}>
      <svg viewBox="0 0 100 12" height="12" preserveAspectRatio="none" aria-hidden="true">
        {shares(data).map(({ datum, from, share }, index) => (
          <rect
            key={datum.label}
            className={`mark fill-${toneOf(datum, index)}`}
            x={from * 100}
            width={Math.max(0, share * 100 - (share > 0.01 ? 0.4 : 0))}
            height="12"
          />
        ))}
      </svg>
      <Legend data={data} format={format} />
    </Figure>
  );
}

const RADIUS = 40;
const ROUND = 2 * Math.PI * RADIUS;

/** Parts of a whole as a ring with the total inside. */
export function Donut({ title, data, format, hideTitle }: ChartProps) {
  const formats = useFormats();
  const write = format ?? formats.number;
  return (
    <Figure title={title} hideTitle={hideTitle} empty={total(data) === 0}>
      <div className="donut">
        <svg viewBox="0 0 100 100" aria-hidden="true">
          {shares(data).map(({ datum, from, share }, index) => (
            <circle
              key={datum.label}
              className={`arc fill-${toneOf(datum, index)}`}
              cx="50"
              cy="50"
              r={RADIUS}
              strokeWidth="13"
              strokeDasharray={`${Math.max(0, share * ROUND - (share < 1 ? 1.2 : 0))} ${ROUND}`}
              strokeDashoffset={-from * ROUND}
              transform="rotate(-90 50 50)"
            />
          ))}
          <text className="donut-total" x="50" y="50" textAnchor="middle" dominantBaseline="central">
            {write(total(data))}
          </text>
        </svg>
        <Legend data={data} format={format} />
      </div>
    </Figure>
  );
}

function Legend({ data, format }: { data: readonly Datum[]; format: ChartProps['format'] }) {
  const formats = useFormats();
  const write = format ?? formats.number;
  return (
    <ul className="legend">
      {data.map((datum, index) => (
        <li key={datum.label}>
          <span className={`swatch fill-${toneOf(datum, index)}`} aria-hidden="true" />
          {datum.label} <strong className="num">{write(datum.value)}</strong>
        </li>
      ))}
    </ul>
  );
}

/** A small line without axes. `summary` says in words what it shows. */
export function Sparkline({ values, summary }: { values: readonly number[]; summary: string }) {
  const path = linePath(values, 100, 24);
  return (
    <span className="chart">
      <svg viewBox="0 -2 100 28" height="28" preserveAspectRatio="none" aria-hidden="true">
        {values.length > 1 && <path className="mark-area" d={`${path}L100 26L0 26Z`} />}
        <path className="mark-line" d={path} />
      </svg>
      <span className="visually-hidden">{summary}</span>
    </span>
  );
}
