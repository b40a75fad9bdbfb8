import { type Context, define } from '../command.ts';
import { usage } from '../errors.ts';
import type { LogLine } from '../site/log-lines.ts';
import type { SiteOptions } from '../site/site.ts';

interface Options extends SiteOptions {
  readonly follow?: boolean;
  readonly since?: string;
  readonly lines: number;
}

interface Logs {
  readonly containers: readonly string[];
  readonly lines: readonly {
    readonly at: string;
    readonly container: string;
    readonly unit: string;
    readonly message: string;
  }[];
  /** Containers that could not be asked, and why. */
  readonly notes: readonly string[];
}

export const logs = define<Options, Logs, null, Logs>({
  summary: 'Shows what a service or data part writes, all its containers in one, by time',
  args: [{ name: 'service', description: 'a service, a data part (postgres, haproxy …) or a container' }],
  options: [
    { flags: '--follow', description: 'go on with what comes, until Ctrl-C' },
    {
      flags: '--since <time>',
      description: 'from then on, as journalctl reads it: "10 min ago", "2026-01-31 08:00"',
    },
    {
      flags: '--lines <number>',
      description: 'so many of each container, the newest',
      default: 100,
      parse: (text) => {
        const value = Number(text);
        if (!Number.isInteger(value) || value < 1 || value > 100_000)
          throw new Error('Give a number from 1 to 100000.');
        return value;
      },
    },
  ],
  examples: [
    { run: 'psactl logs tickets --site lab --lines 20', note: 'the newest of every replica' },
    { run: 'psactl logs postgres --site lab --since "5 min ago" --json', note: 'for a program' },
  ],

  async plan(context) {
    const { withSite } = await import('../site/site.ts');
    const { Cluster } = await import('../site/cluster.ts');
    const { isoTime, JournalReader, merged } = await import('../site/log-lines.ts');
    const { options, args, signal } = context;
    const [name] = args as [string];
    return withSite(context, async (site) => {
      const cluster = new Cluster(site, signal);
      const asked = (await cluster.placed()).filter(
        ({ container }) => container.group === name || container.name === name,
      );
      if (asked.length === 0) {
        const groups = [...new Set(site.containers.map((one) => one.group))];
        throw usage(`Unable to find "${name}".`, `Known are: ${groups.join(', ')}, and their containers.`);
      }
      const isService = site.inventory.services.some((one) => one.name === asked[0]!.container.group);
      const argv = [
        ...['journalctl', '-o', 'json', '--no-pager', '-n', String(options.lines)],
        '--output-fields=MESSAGE,_SYSTEMD_UNIT,SYSLOG_IDENTIFIER',
        ...(isService ? ['-u', `psa@${asked[0]!.container.group}.service`] : []),
        ...(options.since === undefined ? [] : ['--since', options.since]),
        ...(options.follow ? ['-f'] : []),
      ];
      const show = options.follow
        ? await shower(
            context,
            asked.map((one) => one.container.name),
          )
        : null;
      const lines: LogLine[] = [];
      const notes: string[] = [];
      await Promise.all(
        asked.map(async ({ container }) => {
          const reader = new JournalReader(container.name);
          const decoder = new TextDecoder();
          const take = (text: string) => {
            const found = reader.take(text);
            if (show) show(found);
            else lines.push(...found);
          };
          try {
            const { code, stderr } = await cluster.exec(container.id, argv, {
              timeoutMs: options.follow ? 2 ** 31 - 1 : 120_000,
              onStdout: (chunk) => take(decoder.decode(chunk, { stream: true })),
            });
            if (code !== 0) notes.push(`${container.name}: ${stderr.trim().split('\n').at(-1)}`);
          } catch (error) {
            if (signal.aborted) throw error;
            notes.push(`${container.name}: ${(error as Error).message}`);
          }
        }),
      );
      const data: Logs = {
        containers: asked.map((one) => one.container.name),
        lines: merged(lines).map((line) => ({
          at: isoTime(line),
          ...{ container: line.container, unit: line.unit, message: line.message },
        })),
        notes,
      };
      return { data, carry: null };
    });
  },

  render({ containers, lines, notes }) {
    const width = Math.max(...containers.map((one) => one.length));
    return [
      ...lines.map((one) => `${one.at} ${one.container.padEnd(width)} ${one.message}\n`),
      ...notes.map((one) => `note: ${one}\n`),
      ...(lines.length + notes.length === 0 ? ['Nothing was written.\n'] : []),
    ].join('');
  },
  outcome: ({ notes, containers }) =>
    notes.length === 0 ? 'done' : notes.length < containers.length ? 'partial' : 'failed',
});

/** Prints what comes, held back for a moment so that lines of several containers get into their order. */
async function shower(
  context: Context<Options>,
  containers: readonly string[],
): Promise<(lines: readonly LogLine[]) => void> {
  const { merged, renderLine } = await import('../site/log-lines.ts');
  const { io, options } = context;
  const json = (options as { json?: boolean }).json === true;
  const width = Math.max(...containers.map((one) => one.length));
  let held: LogLine[] = [];
  return (lines) => {
    const isWaiting = held.length > 0;
    held.push(...lines);
    if (isWaiting || held.length === 0) return;
    setTimeout(() => {
      const now = merged(held);
      held = [];
      for (const line of now) {
        io.stdout.write(
          json ? `${JSON.stringify({ ...line, time: String(line.time) })}\n` : renderLine(line, width),
        );
      }
    }, 400);
  };
}
