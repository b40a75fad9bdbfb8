import { access } from 'node:fs/promises';
import { join } from 'node:path';
import type { LabStatus } from '@psa/lab/control';
import { define } from '../../command.ts';
import { CliError } from '../../errors.ts';
import { LAB_DIR, type LabOptions, labDir, renderLab, withLab } from './lab.ts';

interface Options extends LabOptions {
  readonly runtime?: 'lxc' | 'fake';
  readonly timeFactor?: number;
  readonly name?: string;
  readonly loopback?: string;
  readonly portalPort?: number;
}

/** Programs of the real lab, with the Debian package of each. */
const PROGRAMS: Readonly<Record<string, string>> = {
  'lxc-start': 'lxc',
  nft: 'nftables',
  'mkfs.btrfs': 'btrfs-progs',
  zstd: 'zstd',
  ip: 'iproute2',
  socat: 'socat',
  dnsmasq: 'dnsmasq-base',
  newuidmap: 'uidmap',
  openssl: 'openssl',
  sshd: 'openssh-server',
  ssh: 'openssh-client',
};

export const labUpCommand = define<Options, { dir: string }, { dir: string }, LabStatus>({
  summary: 'Makes a cluster of three nodes on this machine, or brings it up again',
  description: `
The nodes speak the API of Proxmox VE and run real LXC containers; bridges, router and nodes stand in network
namespaces of their own, so nothing of this machine's network changes. Needs root. Without root, or with
--runtime fake, the containers are made up: enough to try commands.

Up twice is fine. What Proxmox VE does slowly on purpose (it fences a dead node after two minutes) is shortened by
--time-factor.`,
  options: [
    LAB_DIR,
    { flags: '--runtime <kind>', description: 'real containers or made-up ones', choices: ['lxc', 'fake'] },
    {
      flags: '--time-factor <factor>',
      description: "share of Proxmox VE's own waiting times, from 0.01 to 1 (0.1 for a new lab)",
      parse: (text) => {
        const value = Number(text);
        if (!(value >= 0.01 && value <= 1)) throw new Error('Give a number from 0.01 to 1.');
        return value;
      },
    },
    {
      flags: '--name <name>',
      description: 'prefix of its network namespaces (psalab for a new lab)',
      parse: (text) => {
        if (!/^[a-z][a-z0-9]{0,9}$/.test(text))
          throw new Error('Give up to ten lower-case letters and digits.');
        return text;
      },
    },
    {
      flags: '--loopback <a.b.c>',
      description: "first three numbers of the nodes' addresses on this machine (127.77.0 for a new lab)",
      parse: (text) => {
        if (!/^127(\.\d{1,3}){2}$/.test(text)) throw new Error('Give three numbers that begin with 127.');
        return text;
      },
    },
    {
      flags: '--portal-port <port>',
      description: 'port of the portal on 127.0.0.1 (8443 for a new lab)',
      parse: (text) => {
        const value = Number(text);
        if (!Number.isInteger(value) || value < 1 || value > 65_535) throw new Error('Give a port.');
        return value;
      },
    },
  ],
  examples: [
    { run: 'psactl lab up', note: 'three nodes; the inventory for them is written, too' },
    { run: 'psactl lab up --time-factor 1', note: 'as slow as a real cluster' },
  ],
  resume: 'Run "psactl lab up" again; it takes up what is there.',

  async plan({ options, io }) {
    const dir = await labDir(options, io);
    return { data: { dir }, carry: { dir } };
  },
  renderPlan: ({ dir }) => `A lab would be made or brought up in ${dir}.\n`,

  async apply({ carry: { dir } }, { options, progress, io }) {
    const { readSettings } = await import('@psa/lab/settings');
    const runtime =
      readSettings(dir)?.runtime ?? options.runtime ?? (process.getuid?.() === 0 ? 'lxc' : 'fake');
    if (runtime === 'lxc') await checkMachine(io.env.PATH ?? '');
    const { timeFactor, name, loopback, portalPort } = options;
    const wanted = { runtime: options.runtime, timeFactor, name, loopback, portalPort };
    return withLab('bring the lab up', ({ labUp }) =>
      labUp({
        dir,
        onStep: (text) => progress.note(text),
        ...Object.fromEntries(Object.entries(wanted).filter(([, value]) => value !== undefined)),
      }),
    );
  },
  render: renderLab,
});

/** Says at once what would fail halfway. */
async function checkMachine(path: string): Promise<void> {
  if (process.getuid?.() !== 0) {
    throw new CliError('Unable to bring the lab up: real containers need root.', {
      outcome: 'not_authorised',
      fix: 'Run it as root (sudo), or make one without containers: psactl lab up --runtime fake',
    });
  }
  const folders = [...path.split(':'), '/usr/sbin', '/sbin', '/usr/bin'];
  const missing: string[] = [];
  for (const [program, name] of Object.entries(PROGRAMS)) {
    const found = await Promise.any(folders.map((folder) => access(join(folder, program)))).then(
      () => true,
      () => false,
    );
    if (!found) missing.push(name);
  }
  if (missing.length === 0) return;
  throw new CliError(`Unable to bring the lab up: Debian packages are missing: ${missing.join(', ')}.`, {
    fix: `apt-get install -y --no-install-recommends ${missing.join(' ')}`,
  });
}
