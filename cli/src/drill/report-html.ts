import {
  type DrillOutcome,
  type DrillRecord,
  type DrillResult,
  measuredRto,
  outcomeOf,
} from '@psa/recovery/drill';
import type { Comparison } from '@psa/recovery/proof';
import { when } from '../backup/backup-text.ts';
import { duration, OUTCOME_TEXT, seriesText, TARGET_TEXT } from './drill-text.ts';

/** Text as HTML takes it whatever is in it. */
const text = (value: string | number): string =>
  String(value).replace(/[&<>"']/g, (one) => `&#${one.codePointAt(0)};`);

/**
 * Everything stands in the page: it asks nobody for anything, so it can be read where the site is gone. Colours by the reader's
 * setting; what a colour says, a word says, too.
 */
const STYLE = `:root{color-scheme:light dark;--ink:#1a1d21;--dim:#5b636d;--ground:#fff;--line:#d9dde2;--soft:#f3f5f7;--good:#1d7a46;--bad:#b3261e;--open:#8a6100}
@media(prefers-color-scheme:dark){:root{--ink:#e6e9ed;--dim:#a2abb6;--ground:#14171a;--line:#343a41;--soft:#1e2226;--good:#5fc98c;--bad:#ff8a80;--open:#e5b95c}}
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--ground);max-width:72rem;margin:2rem auto;padding:0 1.25rem}
h1{font-size:1.5rem;margin:0}h2{font-size:1.1rem;margin:2rem 0 .5rem}p{margin:.35rem 0}
.dim{color:var(--dim)}.good{color:var(--good)}.bad{color:var(--bad)}.open{color:var(--open)}.good,.bad,.open{font-weight:600}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}th,td{text-align:left;padding:.3rem .75rem .3rem 0;border-bottom:1px solid var(--line);vertical-align:top;overflow-wrap:break-word}
th{color:var(--dim);font-weight:500}.number{text-align:right;white-space:nowrap}
.row{display:grid;grid-template-columns:minmax(12rem,24rem) 1fr 5.5rem;gap:.75rem;align-items:center;padding:.12rem 0}
.row>:first-child{overflow:hidden;text-overflow:ellipsis;white-space:nowrap}.row>:last-child{text-align:right;font-variant-numeric:tabular-nums}
.track{background:var(--soft);height:.8rem;position:relative;border-radius:2px}.bar{position:absolute;top:0;bottom:0;min-width:2px;background:var(--good);border-radius:2px}
.bar.bad{background:var(--bad)}details{margin:.25rem 0 1rem}summary{cursor:pointer}h3{font-size:1rem;margin:1rem 0 .25rem}
@media(max-width:40rem){.row{grid-template-columns:1fr 5.5rem}.row .track{display:none}}`;

const TONE: Readonly<Record<DrillOutcome | DrillResult['outcome'], 'good' | 'bad' | 'open'>> = {
  ...{ passed: 'good', failed: 'bad', partial: 'open', running: 'open', 'cut short': 'bad', untried: 'open' },
};
const WORD: Readonly<Record<DrillResult['outcome'], string>> = {
  ...{ passed: 'restored', failed: 'FAILED', untried: 'untried' },
};

/** A table; cells that are numbers stand to the right. */
const tableOf = (head: readonly string[], rows: readonly (readonly (string | Marked)[])[]): string =>
  rows.length === 0
    ? '<p class="dim">None.</p>'
    : `<table><thead><tr>${head.map((one, at) => `<th scope="col"${isNumber(rows[0]![at]) ? ' class="number"' : ''}>${text(one)}</th>`).join('')}</tr></thead><tbody>${rows
        .map(
          (row) =>
            `<tr>${row
              .map((cell) =>
                typeof cell === 'string'
                  ? `<td>${text(cell)}</td>`
                  : `<td class="${cell.as}">${text(cell.text)}</td>`,
              )
              .join('')}</tr>`,
        )
        .join('')}</tbody></table>`;

/** A cell with a class. */
interface Marked {
  readonly text: string;
  readonly as: string;
}
const number = (value: string): Marked => ({ text: value, as: 'number' });
const isNumber = (cell: string | Marked | undefined): boolean =>
  typeof cell === 'object' && cell.as === 'number';

/** The report of a drill as one page. @param now epoch milliseconds: ages are of that moment */
export function drillHtml(record: DrillRecord, isRunning: boolean, now: number): string {
  const { id, site, began, ended, results, series, left_out } = record;
  const outcome = outcomeOf(record, isRunning);
  const took = ended === null ? 'no end' : duration(Date.parse(ended) - Date.parse(began));
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Drill ${text(id)} of ${text(site)}: ${text(outcome)}</title><style>${STYLE}</style></head><body>
<main><h1>Recovery drill of ${text(site)} <span class="${TONE[outcome]}">${text(outcome)}</span></h1>
<p class="dim">${text(id)}, began ${text(began)}, ${text(took)}</p><p>The drill ${text(OUTCOME_TEXT[outcome])}.</p>
<h2>What was restored</h2>
${tableOf(
  ['Part', 'Backup', 'Of', 'Outcome', 'Restored in', 'Compared', ''],
  results.map((one) => [
    ...[one.name, one.id, when(one.backed_up_at), { text: WORD[one.outcome], as: TONE[one.outcome] }],
    number(one.restore_ms === null ? 'not at all' : duration(one.restore_ms)),
    ...[number(String(one.compared.length)), one.why ?? ''],
  ]),
)}
<h2>Time to be back</h2>
${tableOf(
  ['Of', 'Measured', 'Target', ''],
  measuredRto(record).map(({ target, target_minutes, measured_ms, met }) => [
    TARGET_TEXT[target],
    number(measured_ms === null ? 'not measured' : duration(measured_ms)),
    number(`${target_minutes} min`),
    met === null ? '' : { text: met ? 'met' : 'MISSED', as: met ? 'good' : 'bad' },
  ]),
)}
<p class="dim">The restores one after the other, with making the place for each; of what was restored only.</p>
<h2>Timeline</h2>
${timeline(record)}
<h2>What was compared</h2>
${results.map(comparedOf).join('') || '<p class="dim">Nothing.</p>'}
<h2>What is proven</h2>
${tableOf(
  ['Series', 'Newest good backup', 'Proven'],
  series.map((one) => {
    const said = seriesText(one, now);
    const as = said.startsWith('proven') ? 'good' : said.startsWith('FAILED') ? 'bad' : 'open';
    return [one.series, one.newest ? when(one.newest.at) : 'none', { text: said, as }];
  }),
)}
<h2>Left out</h2>
${tableOf(
  ['What', 'Why'],
  left_out.map(({ what, why }) => [what, why]),
)}
</main></body></html>
`;
}

/** Steps as bars over the time of the drill. */
function timeline({ steps, began, results }: DrillRecord): string {
  const names = new Map(results.map(({ id, name }) => [id, name]));
  const start = Date.parse(began);
  const end = Math.max(start + 1, ...steps.map(({ at, duration_ms }) => Date.parse(at) + duration_ms));
  const percent = (ms: number) => ((Math.max(0, ms) / (end - start)) * 100).toFixed(2);
  const rows = steps.map(({ of, step, at, duration_ms, why }) => {
    const label = of === null ? step : `${names.get(of) ?? of}: ${step}`;
    const place = `left:${percent(Date.parse(at) - start)}%;width:${percent(duration_ms)}%`;
    return `<div class="row"><span title="${text(label)}">${text(label)}${why === null ? '' : ' <span class="bad">FAILED</span>'}</span><span class="track"><span class="bar${why === null ? '' : ' bad'}" style="${place}"></span></span><span>${text(duration(duration_ms))}</span></div>`;
  });
  return rows.join('') || '<p class="dim">No step.</p>';
}

/** More than so many that are the same stand folded together. */
const SHOWN = 12;

function comparedOf({ name, id, compared, notes, why }: DrillResult): string {
  const rows = (list: readonly Comparison[]) =>
    tableOf(
      ['What', 'Source', 'Restored', ''],
      list.map(({ what, wanted, found, same }) => [
        ...[what, number(wanted === null ? '' : String(wanted)), number(String(found))],
        wanted === null
          ? { text: 'read', as: 'dim' }
          : { text: same ? 'same' : 'DIFFERS', as: same ? 'good' : 'bad' },
      ]),
    );
  const [shown, folded] =
    compared.length > SHOWN + 4 ? [compared.slice(0, SHOWN), compared.slice(SHOWN)] : [compared, []];
  const rest =
    folded.length === 0
      ? ''
      : `<details><summary>${folded.length} more, ${folded.every(({ same }) => same) ? 'all the same' : 'not all the same'}</summary>${rows(folded)}</details>`;
  const said = notes.map((note) => `<p class="dim">${text(note)}</p>`).join('');
  const failed = why === null ? '' : `<p class="bad">${text(why)}</p>`;
  return `<h3>${text(name)} <span class="dim">${text(id)}</span></h3>${failed}${compared.length > 0 ? rows(shown) : ''}${rest}${said}`;
}
