import type { Answers } from '@psa/appliance/inventory/new-inventory';
import { type Context, define } from '../command.ts';
import { CliError, usage } from '../errors.ts';
import { askOnTerminal } from '../prompt.ts';

interface Options {
  readonly inventory?: string;
  readonly yes?: boolean;
  readonly name?: string;
  readonly domain?: string;
  readonly timezone?: string;
  readonly network?: string;
  readonly nodes?: string;
  readonly cores?: string;
  readonly memoryGb?: string;
  readonly card?: string;
  readonly storage?: string;
  readonly mail?: string;
  readonly smarthost?: string;
}

interface Written {
  readonly file: string;
  readonly nodes: readonly string[];
  readonly containers: number;
}

/** What is asked: option, question, and what an empty answer means. */
const QUESTIONS: readonly {
  readonly key: Exclude<keyof Options, 'inventory' | 'yes'>;
  readonly flags: string;
  readonly question: string;
  usual(answers: Options): string;
}[] = [
  {
    key: 'name',
    flags: '--name <name>',
    question: 'Name of the appliance, short; containers begin with it',
    usual: () => 'psa',
  },
  {
    key: 'domain',
    flags: '--domain <name>',
    question: 'Domain under which people reach it',
    usual: () => '',
  },
  {
    key: 'timezone',
    flags: '--timezone <zone>',
    question: 'Time zone of schedules',
    usual: () => Intl.DateTimeFormat().resolvedOptions().timeZone.replace(/^UTC$/, 'Europe/Berlin'),
  },
  {
    key: 'network',
    flags: '--network <a.b>',
    question: 'First two numbers of its subnets',
    usual: () => '10.0',
  },
  {
    key: 'nodes',
    flags: '--nodes <list>',
    question: 'Proxmox nodes, as name=address or name, comma-separated',
    usual: ({ network }) => [1, 2, 3].map((n) => `pve${n}=${network}.10.1${n}`).join(','),
  },
  { key: 'cores', flags: '--cores <number>', question: 'CPU threads of each', usual: () => '16' },
  { key: 'memoryGb', flags: '--memory-gb <number>', question: 'Memory of each, in GiB', usual: () => '64' },
  { key: 'card', flags: '--card <name>', question: 'Network card under their bridge', usual: () => 'eno1' },
  {
    key: 'storage',
    flags: '--storage <address>',
    question: 'NFS server for the shared storage and backups',
    usual: ({ network }) => `${network}.50.10`,
  },
  {
    key: 'mail',
    flags: '--mail <address>',
    question: 'Who gets alerts',
    usual: ({ domain }) => `ops@${parent(domain)}`,
  },
  {
    key: 'smarthost',
    flags: '--smarthost <host:port>',
    question: 'Mail server',
    usual: ({ domain }) => `mail.${parent(domain)}:587`,
  },
];

const parent = (domain = '') =>
  domain.split('.').length > 2 ? domain.slice(domain.indexOf('.') + 1) : domain;

export const init = define<Options, Written, { text: string }, Written>({
  summary: 'Writes an inventory for a new appliance, by asking',
  description: `
The file is ./appliance.yaml, or what --inventory names; one that is there is never overwritten. With --yes nothing is
asked: what no option says is the usual.`,
  options: QUESTIONS.map(({ flags, question }) => ({ flags, description: question })),
  examples: [
    {
      run: 'psactl init --yes --domain psa.nordlicht.example --inventory new.yaml',
      note: 'without a question',
    },
    {
      run: 'psactl init --yes --domain psa.nordlicht.example --dry-run',
      note: 'whether the answers fit together',
    },
  ],

  async plan(context) {
    const { access, readFile } = await import('node:fs/promises');
    const { resolve } = await import('node:path');
    const { expand } = await import('@psa/appliance/inventory/expand');
    const { loadInventory } = await import('@psa/appliance/inventory/load');
    const { newInventory } = await import('@psa/appliance/inventory/new-inventory');
    const { options, io } = context;
    const file = resolve(io.cwd, options.inventory ?? (io.env.PSA_INVENTORY || 'appliance.yaml'));
    if (
      await access(file).then(
        () => true,
        () => false,
      )
    )
      throw there(file);
    const answers = answersOf(await ask(context));
    const example = await readFile(new URL('../../../appliance.yaml', import.meta.url), 'utf8');
    const made = newInventory(example, answers, file);
    if (!made.ok) {
      throw new CliError('Unable to make an inventory of these answers.', {
        outcome: 'usage',
        details: made.errors.map((one) => ({
          field: one.path || 'file',
          message: `${one.message} ${one.fix}`,
        })),
      });
    }
    const loaded = loadInventory(made.text, file);
    const containers = loaded.ok ? expand(loaded.inventory).length : 0;
    return {
      data: { file, nodes: answers.nodes.map((one) => one.name), containers },
      carry: { text: made.text },
    };
  },
  renderPlan: ({ file, nodes, containers }) =>
    `Would write ${file}: ${containers} containers on ${nodes.join(', ')}.\n`,

  async apply({ data, carry }) {
    const { writeFile } = await import('node:fs/promises');
    await writeFile(data.file, carry.text, { flag: 'wx', mode: 0o644 }).catch((error) => {
      if (error.code === 'EEXIST') throw there(data.file);
      throw usage(
        `Unable to write ${data.file}: ${error.message}`,
        'Name a folder that is there, and that you may write to.',
      );
    });
    return data;
  },
  render: ({ file, nodes, containers }) => `Wrote ${file}: ${containers} containers on ${nodes.join(', ')}.
Next: read it through, put the API token where token_file says, then:
  psactl doctor     is the cluster fit for it?
  psactl plan       what would be done?
  psactl apply      do it
`,
});

const there = (file: string) =>
  usage(`Unable to write ${file}: it is there already.`, 'Name another with --inventory, or take it away.');

/** Asks what no option says. */
async function ask({ options, io }: Context<Options>): Promise<Options> {
  let answers: Options = { ...options };
  const silent = options.yes === true || !io.stdin.isTTY;
  if (silent && options.yes !== true) {
    throw usage(
      'Unable to ask: this is not a terminal.',
      'Add --yes, and --domain with what else differs from the usual.',
    );
  }
  for (const { key, question, usual } of QUESTIONS) {
    if (answers[key] !== undefined) continue;
    const value = usual(answers);
    if (silent && value === '')
      throw usage(`Unable to go on without --${key}.`, `${question}: give it in --${key}.`);
    const given = silent ? '' : await askOnTerminal(`${question}${value === '' ? '' : ` [${value}]`}`, io);
    answers = { ...answers, [key]: given || value };
  }
  return answers;
}

function answersOf(all: Options): Answers {
  const number = (key: 'cores' | 'memoryGb', flag: string) => {
    const value = Number(all[key]);
    if (!(Number.isInteger(value) && value > 0))
      throw usage(`Unable to use "${all[key]}" as --${flag}.`, 'Give a whole number.');
    return value;
  };
  if (!/^\d{1,3}\.\d{1,3}$/.test(all.network!)) {
    throw usage(`Unable to use "${all.network}" as the network.`, 'Give its first two numbers, as in 10.0.');
  }
  return {
    ...{
      name: all.name!,
      domain: all.domain!,
      timezone: all.timezone!,
      network: all.network!,
      card: all.card!,
    },
    nodes: all.nodes!.split(',').map((text) => {
      const [name, address] = text.trim().split('=') as [string, string?];
      return { name, ...(address ? { address } : {}) };
    }),
    ...{ cores: number('cores', 'cores'), memoryMb: number('memoryGb', 'memory-gb') * 1024 },
    ...{ storage: all.storage!, mailTo: all.mail!, smarthost: all.smarthost! },
  };
}
