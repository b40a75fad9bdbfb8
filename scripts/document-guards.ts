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

/** What the documents promise of themselves and of one another. */
export const documentGuards: readonly Guard[] = [rooms, adrs, links];
