import { example } from '@psa/appliance/inventory/example.test-helper';
import { expand } from '@psa/appliance/inventory/expand';
import { expect, it } from 'vitest';
import type { Cluster } from './cluster.ts';
import { lookInto, readLook } from './look.ts';

const digest = 'a'.repeat(64);

it('reads what a container says about itself', () => {
  const text = `digest ${digest}
changed /etc/psa/tickets.env
missing /etc/motd
unit psa@tickets.service failed
unit prometheus-node-exporter.service active
current 0.1.0
installed 0.1.0
installed 0.2.0
free 1024
health {"status":"ok","service":"tickets","version":"0.2.0","uptime_seconds":3}
ready {"checks":{"database":{"status":"ok"},"bus":{"status":"failed","error":"no answer"}}} 503
probe name
probe 10.0.0.1
end
`;
  expect(readLook(text)).toEqual({
    probe: 'name\n10.0.0.1',
    inside: {
      digest,
      changed: ['/etc/psa/tickets.env'],
      missing: ['/etc/motd'],
      units: { 'psa@tickets.service': 'failed', 'prometheus-node-exporter.service': 'active' },
      ...{ current: '0.1.0', installed: ['0.1.0', '0.2.0'], running: '0.2.0', free: 1_048_576 },
      unready: 'bus: no answer',
    },
  });
});

it('reads what is new, does not run, or was cut off', () => {
  const inside = (text: string) => readLook(text)?.inside;
  expect(inside('digest none\ncurrent none\nfree \nhealth \nready  000\nend')).toMatchObject({
    ...{ digest: null, current: null, running: null, unready: 'nothing answers at its port', free: null },
  });
  expect(inside('ready {"status":"unready"} 503\nend')).toMatchObject({
    unready: '/ready answers 503 ({"status":"unready"})',
  });
  expect(inside('digest none\nready {"status":"ready"} 200\nend')).toMatchObject({ unready: null });
  expect(inside(`digest ${digest}\nend\n`)).toMatchObject({ digest, unready: null, installed: [] });
  expect(readLook(`digest ${digest}\n`)).toBeNull();
});

it('asks all containers of a node in one session, and says of each why it could not be asked', async () => {
  const inventory = example();
  const sessions: string[] = [];
  const shell = {
    async execEach(node: string, commands: ReadonlyMap<number, readonly string[]>) {
      sessions.push(node);
      if (node === 'pve3') throw new Error('No route to host');
      return new Map(
        [...commands.keys()].map((id) =>
          id === 210
            ? [id, { code: 255, stdout: '', stderr: 'container 210 not running\n' }]
            : [id, { code: 0, stdout: 'digest none\nend\n', stderr: '' }],
        ),
      );
    },
  };
  const cluster = { site: { inventory, shell }, signal: new AbortController().signal } as unknown as Cluster;
  const targets = expand(inventory).map((container) => ({ container, node: container.node }));
  const { seen, failures } = await lookInto(cluster, targets);
  expect(sessions.sort()).toEqual(['pve1', 'pve2', 'pve3']);
  expect(seen.size + failures.size).toBe(targets.length);
  expect(failures.get(210)).toBe('container 210 not running');
  const [far] = targets.filter(({ node }) => node === 'pve3');
  expect(failures.get(far!.container.id)).toBe('No route to host');
});
