import { type ComponentType, type ReactNode, useId } from 'react';
import { axisTicks } from '../chart-axis.ts';
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
  /** The router's link, of which this knows nothing. */
  link?: ChartLink;
}

type ChartLink = ComponentType<{ to: string; className?: string; tabIndex?: number; children: ReactNode }>;

/** What stands for a datum leads to it, where there is somewhere to lead. */
function Leading(props: {
  datum: Datum;
  link: ChartLink | undefined;
  className: string;
  tabIndex?: number;
  children: ReactNode;
}) {
  const { datum, link: Link, children, ...rest } = props;
  return Link && datum.to !== undefined ? (
    <Link to={datum.to} {...rest}>
      {children}
    </Link>
  ) : (
    <span className={props.className}>{children}</span>
  );
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

/** Horizontal bars over an axis that begins at zero, labels and values written out, so that it reads as a list too. */
export function BarChart({ title, data, format, hideTitle, link }: ChartProps) {
  const formats = useFormats();
  const write = format ?? formats.number;
  const ticks = axisTicks(Math.max(...data.map((d) => drawable(d.value)), 0));
  const top = ticks.at(-1)!;
  return (
    <Figure title={title} hideTitle={hideTitle} empty={data.length === 0}>
      <ul className="chart-bars">
        {data.map((datum) => (
          <li key={datum.label}>
            <Leading datum={datum} link={link} className="chart-bar">
              <span className="chart-label" title={datum.label}>
                {datum.label}
              </span>
              <svg
                aria-hidden="true"
                className={`fill-${datum.tone ?? 'accent'}`}
                viewBox="0 0 100 10"
                height="10"
                preserveAspectRatio="none"
              >
                {ticks.map((tick) => (
                  <path key={tick} className="chart-base" d={`M${(tick / top) * 100} -6V16`} />
                ))}
                <rect className="mark" width={(drawable(datum.value) / top) * 100} height="10" />
              </svg>{' '}
              <span className="num">{write(datum.value)}</span>
            </Leading>
          </li>
        ))}
        <li className="chart-bar" aria-hidden="true">
          <span />
          <span className="chart-ticks num">
            {ticks.map((tick) => (
              <span key={tick}>{write(tick)}</span>
            ))}
          </span>
          <span />
        </li>
      </ul>
    </Figure>
  );
}

/** Parts of a whole on one bar; the legend carries the values. */
export function StackedBar({ title, data, format, hideTitle, link }: ChartProps) {
  return (
    <Figure title={title} hideTitle={hideTitle} empty={total(data) === 0}>
      <div className="chart-stack" aria-hidden="true">
        {shares(data)
          .filter(({ share }) => share > 0)
          .map(({ datum, share }) => (
            <span
              key={datum.label}
              className={`chart-part fill-${toneOf(datum, data.indexOf(datum))}`}
              style={{ flexGrow: share }}
              title={datum.label}
            >
              <Leading datum={datum} link={link} className="chart-part-link" tabIndex={-1}>
                {''}
              </Leading>
            </span>
          ))}
      </div>
      <Legend data={data} format={format} link={link} />
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

function Legend({
  data,
  format,
  link,
}: Pick<ChartProps, 'data'> & { format: ChartProps['format']; link?: ChartLink | undefined }) {
  const formats = useFormats();
  const write = format ?? formats.number;
  return (
    <ul className="legend">
      {data.map((datum, index) => (
        <li key={datum.label}>
          <Leading datum={datum} link={link} className="legend-item">
            <span className={`swatch fill-${toneOf(datum, index)}`} aria-hidden="true" />
            {datum.label} <strong className="num">{write(datum.value)}</strong>
          </Leading>
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
