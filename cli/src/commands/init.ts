import type { Answers } from '@psa/appliance/inventory/new-inventory';
import { type Context, define } from '../command.ts';
import { areApart, ownFingerprint, parseFingerprints, refuseStrangers } from '../doctor/fingerprints.ts';
import { CliError, usage } from '../errors.ts';
import { askOnTerminal, confirmOnTerminal } from '../prompt.ts';

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
  readonly fingerprint?: ReadonlyMap<string, string>;
}

interface Written {
  readonly file: string;
  readonly nodes: readonly string[];
  readonly containers: number;
}

/** What is asked: option, question, and what an empty answer means. */
const QUESTIONS: readonly {
  readonly key: Exclude<keyof Options, 'inventory' | 'yes' | 'fingerprint'>;
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

export const init = define<Options, Written, { textWith(publicKey: string): string }, Written>({
  summary: 'Writes an inventory for a new appliance, by asking',
  description: `
The file is ./appliance.yaml, or what --inventory names; one that is there is never overwritten. With --yes nothing is
asked: what no option says is the usual. On a terminal the nodes that answer are asked for their certificates, and you
whether they are theirs; "psactl doctor" does the same later. Releases and templates are signed by who builds them: it
names this machine's key, which is made where there is none ("psactl secrets signing-key").`,
  options: [
    ...QUESTIONS.map(({ flags, question }) => ({ flags, description: question })),
    {
      flags: '--fingerprint <list>',
      description: 'fingerprints of the nodes that you have compared, as node=AA:BB:…, comma-separated',
      parse: parseFingerprints,
    },
  ],
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
    const example = await readFile(new URL('../../../appliance.yaml', import.meta.url), 'utf8');
    const textOf = (answers: Answers) => {
      const made = newInventory(example, answers, file);
      if (made.ok) return made.text;
      throw new CliError('Unable to make an inventory of these answers.', {
        outcome: 'usage',
        details: made.errors.map((one) => ({
          field: one.path || 'file',
          message: `${one.message} ${one.fix}`,
        })),
        fix: 'Answer otherwise: "psactl init --help" names the options. What no answer covers, such as other subnets, is changed in the file that the usual answers make.',
      });
    };
    const given = answersOf(await ask(context));
    // Before a person compares fingerprints for answers that do not hold.
    textOf(given);
    const answers = await withFingerprints(given, context);
    const text = textOf(answers);
    const loaded = loadInventory(text, file);
    const containers = loaded.ok ? expand(loaded.inventory).length : 0;
    return {
      data: { file, nodes: answers.nodes.map((one) => one.name), containers },
      carry: { textWith: (publicKey) => textOf({ ...answers, publicKey }) },
    };
  },
  renderPlan: ({ file, nodes, containers }) =>
    `Would write ${file}: ${containers} containers on ${nodes.join(', ')}.\n`,

  async apply({ data, carry }, { io }) {
    const { writeFile } = await import('node:fs/promises');
    const { ensureSigningKey, signingKeyFile } = await import('@psa/appliance/signing/key-file');
    const { key } = await ensureSigningKey(signingKeyFile(io.env));
    await writeFile(data.file, carry.textWith(key.publicKey), { flag: 'wx', mode: 0o644 }).catch((error) => {
      if (error.code === 'EEXIST') throw there(data.file);
      throw usage(
        `Unable to write ${data.file}: ${error.message}`,
        'Name a folder that is there, and that you may write to.',
      );
    });
    return data;
  },
  render: ({ file, nodes, containers }) => `Wrote ${file}: ${containers} containers on ${nodes.join(', ')}.
Next: read it through, and put the public keys that may log in where authorized_keys_file says. Then, each with
--inventory, or once "export PSA_INVENTORY=${file}":
  psactl render           the hosts' Ansible inventory: its playbooks make the cluster and the token (ansible/README.md)
  psactl template build   what the containers are made from
  psactl doctor           is the cluster fit for it?
  psactl plan             what would be done?
  psactl apply            do it
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

/** With the fingerprints that were given, or that a person says yes to: nothing is trusted unseen. */
async function withFingerprints(
  answers: Answers,
  { options, io, signal }: Context<Options>,
): Promise<Answers> {
  const given = options.fingerprint ?? new Map<string, string>();
  refuseStrangers(
    given,
    answers.nodes.map(({ name }) => name),
  );
  const { addressOf } = await import('@psa/appliance/inventory/new-inventory');
  const { shownCertificate } = await import('@psa/proxmox/client/certificate');
  const asked = answers.nodes.map(async ({ name }, index) => {
    if (given.has(name) || options.yes === true) return null;
    const host = addressOf(answers, index);
    return shownCertificate(host, 8006, { timeoutMs: 3_000, signal }).catch((error: Error) => {
      io.stderr.write(
        `${name} does not answer at ${host}:8006 (${error.message}); psactl doctor asks it later.\n`,
      );
      return null;
    });
  });
  const seen = await Promise.all(asked);
  const isLater = areApart(seen.filter((one) => one !== null));
  if (isLater)
    io.stderr.write(
      'The nodes are no cluster yet, and get new certificates when they become one: psactl doctor asks for them then.\n',
    );
  const nodes: Answers['nodes'][number][] = [];
  for (const [index, node] of answers.nodes.entries()) {
    let fingerprint = given.get(node.name);
    const shown = seen[index];
    if (shown && !shown.isTrusted && !isLater) {
      io.stderr.write(
        `${node.name} shows the certificate ${shown.fingerprint}\n  Compare it ${ownFingerprint(node.name)}\n`,
      );
      if (await confirmOnTerminal('Is it the same?', io)) fingerprint = shown.fingerprint;
    }
    nodes.push({ ...node, ...(fingerprint === undefined ? {} : { fingerprint }) });
  }
  return { ...answers, nodes };
}

function answersOf(all: Options): Answers {
  const number = (key: 'cores' | 'memoryGb', flag: string) => {
    const value = Number(all[key]);
    if (!(Number.isInteger(value) && value > 0))
      throw usage(`Unable to use "${all[key]}" as --${flag}.`, 'Give a whole number.');
    return value;
  };
  if (!/^\d{1,3}\.\d{1,3}$/.test(all.network!) || all.network!.split('.').some((one) => Number(one) > 255)) {
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
