import type { SiteOptions } from '../appliance/site.ts';
import { define } from '../command.ts';
import { usage } from '../errors.ts';

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
}

interface Command {
  readonly container: string;
  readonly command: readonly string[];
}

export const exec = define<Options, Command, null, Executed>({
  summary: 'Runs a command in a container, wherever that is now',
  description: `
Exit code 1 when the command ends with another than 0; which one stands in --json. A service's name means its first
replica that runs, "postgres" means the primary.`,
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
    const { Readable } = await import('node:stream');
    const { withSite } = await import('../appliance/site.ts');
    const { Hands, locate } = await import('../deploy/hands.ts');
    const { leaderOf } = await import('../deploy/database-dump.ts');
    const { io, signal, options } = context;
    const json = (options as { json?: boolean }).json === true;
    const [out, err] = [new TextDecoder(), new TextDecoder()];
    return withSite(context, async (site) => {
      const hands = new Hands(site, await locate(site, signal), signal);
      const named = data.container === 'postgres' ? await leaderOf(hands) : data.container;
      const group = hands.of(named);
      const found =
        hands.all().find((one) => one.container.name === named) ??
        group.find((one) => one.state === 'running') ??
        group[0];
      if (!found?.node) {
        throw usage(
          `Unable to find "${data.container}".`,
          'See "psactl status" for the containers there are.',
        );
      }
      const name = found.container.name;
      const { code, stdout, stderr } = await hands.exec(name, data.command, {
        timeoutMs: 24 * 3_600_000,
        ...(options.stdin ? { stdin: Readable.from(io.stdin) } : {}),
        ...(json
          ? {}
          : {
              onStdout: (chunk) => io.stdout.write(out.decode(chunk, { stream: true })),
              onStderr: (chunk) => io.stderr.write(err.decode(chunk, { stream: true })),
            }),
      });
      return {
        container: name,
        node: found.node,
        code,
        stdout: json ? stdout : '',
        stderr: json ? stderr : '',
      };
    });
  },
  render: ({ code, container }) =>
    code === 0 ? '' : `psactl: the command in ${container} ended with ${code}.\n`,
  outcome: ({ code }) => (code === 0 ? 'done' : 'failed'),
});
