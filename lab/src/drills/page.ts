/**
 * Writes what `npm run drills` measured (dist/drills/*.json) into docs/drills.md: the table and the curves between the
 * page's marks. Run it after the drills: `node lab/src/drills/page.ts`.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { LoadReport } from '../load/load.ts';

const FOLDER = new URL('../../../dist/drills/', import.meta.url);
const PAGE = new URL('../../../docs/drills.md', import.meta.url);
/** File of a drill → what the page calls it. */
const DRILLS = {
  'kill-pve1': 'pve1 loses power',
  'kill-pve2': 'pve2 loses power',
  'kill-pve3': 'pve3 loses power',
  'power-loss': 'all nodes lose power at once',
  'node-destroyed': "the primary's node is lost with its disks",
  partition: "the primary's node is cut off",
  renew: 'members of the database are made anew',
  deploy: 'a release goes round all services',
  'deploy-broken': 'a release that never gets ready is taken back',
} as const;
const BARS = ' ▁▂▃▄▅▆▇█';

type Measured = Pick<LoadReport, 'reads' | 'writes' | 'curve'> & {
  readonly acknowledged: number;
  readonly healedMs?: number;
};

const read = (name: string): Measured | null => {
  const file = new URL(`${name}.json`, FOLDER);
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Measured) : null;
};
const number = (value: number | undefined) => (value === undefined ? '' : value.toLocaleString('en-GB'));

function row(name: keyof typeof DRILLS, found: Measured): string {
  const kinds = [found.reads, found.writes].flatMap((kind) => [
    number(kind.requests),
    number(kind.failed),
    number(Math.round(kind.longestGapMs)),
  ]);
  const healed = typeof found.healedMs === 'number' ? number(found.healedMs) : '';
  return `| ${[DRILLS[name], ...kinds, number(found.acknowledged), healed].join(' | ')} |`;
}

/** Successes per second as bars: a point of the curve is a tenth of a second. */
function bars(points: LoadReport['curve'], column: 1 | 4): string {
  const seconds = Math.floor(points.at(-1)![0] / 1_000) + 1;
  const perSecond = new Array<number>(seconds).fill(0);
  for (const point of points) perSecond[Math.floor(point[0] / 1_000)]! += point[column];
  const most = Math.max(1, ...perSecond);
  return perSecond.map((value) => BARS[Math.ceil((value / most) * 8)]).join('');
}

function put(page: string, mark: string, text: string): string {
  const [begin, end] = [`<!-- ${mark} -->\n`, `<!-- /${mark} -->`];
  const [from, to] = [page.indexOf(begin), page.indexOf(end)];
  if (from === -1 || to === -1) throw new Error(`docs/drills.md lacks the mark "${mark}".`);
  return `${page.slice(0, from + begin.length)}\n${text}\n\n${page.slice(to)}`;
}

const names = Object.keys(DRILLS) as (keyof typeof DRILLS)[];
const found = names.flatMap((name) => {
  const measured = read(name);
  return measured ? [{ name, measured }] : [];
});
if (found.length === 0) throw new Error('Nothing was measured yet: run "npm run drills" first.');
const heads =
  'drill | reads | failed | longest time without one, ms | writes | failed | longest time without one, ms | tickets acknowledged | healed, ms';
const table = [
  `| ${heads} |`,
  `| --- ${'| ---: '.repeat(8)}|`,
  ...found.map(({ name, measured }) => row(name, measured)),
].join('\n');
const curves = found
  .filter(({ name }) => name.startsWith('kill-'))
  .map(
    ({ name, measured }) =>
      `${name}\nreads   ${bars(measured.curve, 1)}\nwrites  ${bars(measured.curve, 4)}\n`,
  )
  .join('\n');
const page = readFileSync(PAGE, 'utf8');
writeFileSync(PAGE, put(put(page, 'table', table), 'curves', `\`\`\`\n${curves}\`\`\``));
