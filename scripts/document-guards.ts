import { posix } from 'node:path';
import { find, type Guard } from './repo-guards.ts';

const rooms: Guard = {
  name: 'CONTRIBUTING answers twelve questions, each with one room that is there, and adds a service in eight edits',
  check: (files) => {
    const path = 'CONTRIBUTING.md';
    const text = files.find((file) => file.path === path)?.text ?? '';
    const part = (title: string) => new RegExp(`## ${title}([\\s\\S]*?)\\n## `).exec(text)?.[1] ?? '';
    const rows = [...part('Where would I change').matchAll(/^\| (?!what {2}|--)(.*?) +\| (.*?) +\|$/gm)];
    const edits = [...part('Adding a service').matchAll(/^(\d)\. .*?`([^`]+)`/gm)].map((match) => match[2]!);
    const named = [
      ...rows.flatMap((row) => [...row[2]!.matchAll(/`([^`]+)`/g)].map((match) => match[1]!)),
      ...edits,
    ];
    return [
      ...(rows.length === 12 ? [] : [{ path, message: `answers ${rows.length} questions, not twelve` }]),
      ...(edits.length > 0 && edits.length <= 8 ? [] : [{ path, message: `lists ${edits.length} edits` }]),
      ...rows
        .filter((row) => row[2]!.match(/`/g)?.length !== 2)
        .map((row) => ({ path, message: `does not name one room for "${row[1]}"` })),
      ...named
        .filter((room) => !room.includes('<') && !files.some((file) => file.path === room))
        .map((room) => ({ path, message: `names ${room}, which is not there` })),
    ];
  },
  planted: [
    { path: 'CONTRIBUTING.md', text: '## Where would I change …\n| a colour | `x.css`, `y.css` |\n## Style' },
  ],
};

const adrs: Guard = {
  name: 'the ADR index lists every ADR, each under a number of its own',
  check: (files) => {
    const index = files.find((file) => file.path === 'docs/adr/README.md')?.text ?? '';
    const number = (path: string) => /^docs\/adr\/(\d{4})-.*\.md$/.exec(path)?.[1];
    const seen = new Map<string, string>();
    return find(
      files,
      (file) => number(file.path) !== undefined,
      (file) => {
        const other = seen.get(number(file.path)!);
        seen.set(number(file.path)!, file.path);
        if (other !== undefined) return `has the number of ${other}`;
        return index.includes(`(${posix.basename(file.path)})`) ? null : 'is not in docs/adr/README.md';
      },
    );
  },
  planted: [
    { path: 'docs/adr/9999-forgotten.md', text: '# x' },
    { path: 'docs/adr/0001-twice.md', text: '# x' },
  ],
};

const links: Guard = {
  name: 'links between documents lead somewhere',
  check: (files) => {
    const paths = new Set(files.map((file) => file.path));
    return files
      .filter((file) => file.path.endsWith('.md'))
      .flatMap((file) =>
        [...file.text.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)]
          .map((match) => match[1]!)
          .filter((target) => !/^(https?|mailto):/.test(target) && !/\.(png|jpg|webp)$/.test(target))
          .map((target) => posix.normalize(posix.join(posix.dirname(file.path), target)).replace(/\/$/, ''))
          .filter(
            (target) =>
              !paths.has(target) &&
              ![...paths].some((path) => path.startsWith(`${target}/`)) &&
              target !== 'LICENSE',
          )
          .map((target) => ({ path: file.path, message: `links to ${target}, which is not there` })),
      );
  },
  planted: [{ path: 'docs/x.md', text: '[here](nowhere.md)' }],
};

/** The share as words or as a figure near what it is the share of. Migrations keep what was true in their time. */
const SHARE_AT_RISK =
  /four[ -]fifths|vier fünftel|(?:risk|gefährdet|used|verbraucht)[^.]{0,80}(?:\b80 ?%|\b0[.,]8 )|(?:\b80 ?%|\b0[.,]8 )[^.]{0,40}(?:\bused|verbraucht)/i;
const atRisk: Guard = {
  name: 'the share at which a clock is at risk stands in libs/domain/src/sla.ts; the handbook says it in both languages, others refer to it',
  check: (files) => {
    const text = (path: string) => files.find((file) => file.path === path)?.text ?? '';
    const share = Number(/AT_RISK_SHARE = ([\d.]+);/.exec(text('libs/domain/src/sla.ts'))?.[1]);
    const path = 'docs/handbook/service-desk.md';
    const said = [...text(path).matchAll(/\b(\d+) % (?:of its _business_|ihrer _Geschäftszeit_)/g)];
    const right = said.filter((match) => Number(match[1]) === Math.round(share * 100));
    return [
      ...(right.length === 2
        ? []
        : [{ path, message: `does not say twice that a clock is at risk at ${share}` }]),
      ...find(
        files,
        (file) =>
          /(?<!\.test)\.(ts|tsx|mjs|md)$/.test(file.path) &&
          file.path !== path &&
          file.path !== 'scripts/document-guards.ts',
        (file) => (SHARE_AT_RISK.test(file.text) ? 'says anew when a clock is at risk' : null),
      ),
    ];
  },
  planted: [
    { path: 'libs/domain/src/sla.ts', text: 'export const AT_RISK_SHARE = 0.7;' },
    {
      path: 'docs/handbook/service-desk.md',
      text: '80 % of its _business_ time; 70 % ihrer _Geschäftszeit_',
    },
    { path: 'docs/handbook/portals.md', text: '_At risk_ is a clock of which\n  80 % is used.' },
  ],
};

/** What the documents promise of themselves and of one another. */
export const documentGuards: readonly Guard[] = [rooms, adrs, links, atRisk];
