import { isUtf8 } from 'node:buffer';
import { Readable } from 'node:stream';
import { type Context, define } from '../command.ts';
import { CliError, usage } from '../errors.ts';
import type { Cluster } from '../site/cluster.ts';
import type { SiteOptions } from '../site/site.ts';

interface Options extends SiteOptions {
  readonly stdin?: boolean;
}

interface Executed {
  readonly container: string;
  readonly node: string;
  readonly code: number;
  /** What it printed; empty where it was shown while it came. */
  readonly stdout: string;
  readonly stderr: string;
  /** The same where it is no UTF-8, which JSON cannot hold. */
  readonly stdout_base64?: string;
  readonly stderr_base64?: string;
}

interface Command {
  readonly container: string;
  readonly command: readonly string[];
}

export const exec = define<Options, Command, null, Executed>({
  summary: 'Runs a command in a container, wherever that is now',
  description: `
It ends with the command's own exit code. psactl's own failures have theirs, too; with --json "code" is there only when
the command ran. Its bytes go through as they are; with --json, what is no UTF-8 stands in "stdout_base64", too. A service's name means its first replica that runs, "postgres" means the primary.`,
  args: [
    { name: 'container', description: 'a container, a service or a data part' },
    { name: 'command...', description: 'after --, the command with its arguments', required: false },
  ],
  options: [{ flags: '--stdin', description: 'hand standard input on to it' }],
  examples: [
    {
      run: 'psactl exec psa-tickets-1 --site lab -- systemctl is-active psa@tickets.service',
      note: 'one container',
    },
    { run: 'psactl exec postgres --site lab --json -- hostname', note: 'the primary; for a program' },
  ],

  async plan({ args }) {
    const [container, ...command] = args;
    if (command.length === 0)
      throw usage('Unable to run nothing.', 'Put the command after --, as in: -- uptime');
    return { data: { container: container!, command }, carry: null };
  },
  renderPlan: ({ container, command }) => `Would run in ${container}: ${command.join(' ')}\n`,

  async apply({ data }, context) {
    const { withSite } = await import('../site/site.ts');
    const { Cluster } = await import('../site/cluster.ts');
    const { primaryOf } = await import('../site/primary.ts');
    const { signal } = context;
    return withSite(context, async (site) => {
      const cluster = new Cluster(site, signal);
      const named = data.container === 'postgres' ? (await primaryOf(cluster)).name : data.container;
      const found = chosen(await cluster.placed(), named);
      const { id, name } = found.container;
      const ran = await runIn(cluster, id, data.command, context);
      // Not among what the command printed.
      if (ran.code !== 0) context.io.stderr.write(`psactl: the command in ${name} ended with ${ran.code}.\n`);
      return { container: name, node: found.node, ...ran };
    });
  },
  render: () => '',
  outcome: ({ code }) => (code === 0 ? 'done' : 'failed'),
  exitCode: ({ code }) => code,
});

/** The container of that name, or the first of that group, rather one that runs. */
export function chosen(all: Awaited<ReturnType<Cluster['placed']>>, named: string) {
  const group = all.filter(({ container }) => container.group === named);
  const found =
    all.find((one) => one.container.name === named) ??
    group.find((one) => one.state === 'running') ??
    group[0];
  if (!found) {
    throw usage(
      `Unable to find "${named}".`,
      'See "psactl status --site <name>" for the containers there are.',
    );
  }
  const { container, node } = found;
  if (node) return { container, node };
  throw new CliError(`Unable to run it in ${container.name}: the cluster has no such container.`, {
    outcome: 'not_found',
    fix: '"psactl plan" shows what is to be made, "psactl apply" makes it.',
  });
}

/** Runs the command; its bytes go through as they come, both ways. With --json they are in the result. */
export async function runIn(
  cluster: Cluster,
  id: number,
  command: readonly string[],
  { io, options }: Pick<Context<Options>, 'io' | 'options'>,
): Promise<Omit<Executed, 'container' | 'node'>> {
  const json = (options as { json?: boolean }).json === true;
  const kept = { stdout: [] as Uint8Array[], stderr: [] as Uint8Array[] };
  const { code } = await cluster.exec(id, command, {
    timeoutMs: 24 * 3_600_000,
    ...(options.stdin ? { stdin: Readable.from(io.stdin) } : {}),
    onStdout: (chunk) => (json ? kept.stdout.push(chunk) : io.stdout.write(chunk)),
    onStderr: (chunk) => (json ? kept.stderr.push(chunk) : io.stderr.write(chunk)),
  });
  const [stdout, stderr] = [Buffer.concat(kept.stdout), Buffer.concat(kept.stderr)];
  return {
    ...{ code, stdout: stdout.toString(), stderr: stderr.toString() },
    ...(isUtf8(stdout) ? {} : { stdout_base64: stdout.toString('base64') }),
    ...(isUtf8(stderr) ? {} : { stderr_base64: stderr.toString('base64') }),
  };
}
