import { shellQuote } from '@psa/proxmox/ssh';
import { define } from '../../command.ts';
import { CliError, usage } from '../../errors.ts';
import type { SiteOptions } from '../../site/site.ts';

interface Demo {
  readonly site: string;
  readonly logins: string;
}

/**
 * Settings and password go in by standard input: arguments stand in the list of processes. Under sshd
 * that is a socket, which cannot be opened as a file.
 */
const SCRIPT = `set -a; eval "$(cat)"; set +a; cd /tmp && exec su psa -s /bin/sh -c "exec /opt/psa/node/bin/node $1"`;

/** They wait for the broker's queues and for one another. */
const READY_MS = 180_000;

export const labDemo = define<SiteOptions, { site: string }, null, Demo>({
  summary:
    'Puts the demo data into an appliance that has none: an MSP with customers, technicians and tickets',
  description: `
Only into a lab. The services stand still for about a minute meanwhile. The password of the accounts is
PSA_DEMO_PASSWORD.`,
  examples: [{ run: 'psactl lab demo --site lab', note: 'admin@demo.example and others' }],
  resume: 'Run it again; it goes on where it was.',

  async plan(context) {
    const { readSite } = await import('../../site/site.ts');
    const known = await readSite(context);
    if (known.site.target !== 'lab') {
      throw usage(
        `Unable to put demo data into ${known.site.name}: it is a real cluster.`,
        'Name a lab: --site lab',
      );
    }
    if (!context.io.env.PSA_DEMO_PASSWORD) {
      throw usage('Unable to make demo accounts without a password.', 'Give it in PSA_DEMO_PASSWORD.');
    }
    return { data: { site: known.site.name }, carry: null };
  },
  renderPlan: ({ site }) => `Demo data would be put into ${site}.\n`,

  async apply(_plan, context) {
    const { withSite } = await import('../../site/site.ts');
    const { Cluster } = await import('../../site/cluster.ts');
    const { lookInto } = await import('../../site/look.ts');
    const { progress, signal, io } = context;
    return withSite(context, (site) =>
      site.folder.locked('psactl lab demo', async () => {
        const cluster = new Cluster(site, signal);
        const { services } = site.inventory;
        const replicas = site.containers.filter(({ group }) => services.some(({ name }) => name === group));
        const place = replicas.find(({ group }) => group === 'tickets') ?? replicas.at(-1)!;
        const each = (verb: 'stop' | 'start') =>
          Promise.all(
            replicas.map(({ id, group }) => cluster.must(id, ['systemctl', verb, `psa@${group}.service`])),
          );
        const areReady = () =>
          cluster.until('the services', READY_MS, async () => {
            const targets = (await cluster.placed()).flatMap(({ container, node }) =>
              node !== null && replicas.includes(container) ? [{ container, node }] : [],
            );
            const { seen } = await lookInto(cluster, targets);
            const waiting = replicas.filter(({ id }) => seen.get(id)?.inside.unready !== null);
            return waiting.length === 0
              ? null
              : `Not ready yet: ${waiting.map(({ name }) => name).join(', ')}`;
          });
        let logins = '';
        progress.start('Stop the services');
        await each('stop');
        try {
          progress.start('Make the demo data');
          const service = place.group;
          const settings = await cluster.must(place.id, ['cat', `/etc/psa/${service}.env`]);
          const { code, stdout, stderr } = await cluster.exec(
            place.id,
            ['sh', '-c', SCRIPT, 'demo', '/opt/psa/current/demo/main.mjs'],
            { stdin: demoSettings(settings, service, io.env.PSA_DEMO_PASSWORD!), timeoutMs: 15 * 60_000 },
          );
          if (code !== 0) {
            throw new CliError('Unable to make the demo data.', {
              why: stderr.trim().split('\n').slice(-5).join('\n') || `It ended with ${code}.`,
            });
          }
          logins = stdout;
        } finally {
          progress.start('Start the services');
          await each('start');
        }
        progress.start('Wait until they are ready');
        await areReady();
        return { site: site.site.name, logins };
      }),
    );
  },
  render: ({ site, logins }) => `The demo data stands in ${site}.\n${logins.trim()}\n`,
});

/** A service's settings for a program that is all services: each with its own role in the database. */
export function demoSettings(text: string, service: string, password: string): string {
  const all = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [, name, value] = /^([A-Z][A-Z0-9_]*)=(.*)$/.exec(line) ?? [];
    if (!name) continue;
    const plain = value!.startsWith('"') ? value!.slice(1, -1).replace(/\\(["\\$`])/g, '$1') : value!;
    all.set(
      name,
      name.endsWith('DATABASE_URL') || name === 'DATABASE_READ_URL'
        ? plain.replace(`psa_${service}:`, 'psa_{service}:')
        : plain,
    );
  }
  all.set('PSA_DEMO_PASSWORD', password);
  all.set('LOG_LEVEL', 'warn');
  return [...all].map(([name, value]) => `${name}=${shellQuote(value)}\n`).join('');
}
