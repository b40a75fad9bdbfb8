import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { example } from '../inventory/example.test-helper.ts';
import { certificateIn } from './certificate.test-helper.ts';
import { expectGoldens } from './golden.test-helper.ts';
import { renderHaproxy } from './haproxy.ts';
import { run, written } from './run.test-helper.ts';

describe('haproxy.cfg and keepalived.conf', () => {
  it('follow from the example inventory', async () => {
    await expectGoldens('haproxy/golden', renderHaproxy(example()));
  });

  it('pass haproxy -c', () => {
    const inventory = example();
    inventory.tls.certificate_file = certificateIn(written([]));
    const edges = { primary: 'https://a.example.com', standby: 'https://b.example.com' };
    inventory.dr = { primary: 'main', standby: 'dr', kind: 'cold', edges, contacts: [] };
    const folder = written([
      { path: 'server-state', text: '1\n' },
      { path: 'site', text: 'psa psa main 1\n' },
    ]);
    // Every other path is as it is on the appliance.
    const state = (text: string) =>
      text
        .replace('/var/lib/haproxy/server-state', join(folder, 'server-state'))
        .replace(/\/etc\/psa\/site\b/, join(folder, 'site'));
    for (const { path, text } of renderHaproxy(inventory)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), state(text));
    }
    for (const name of ['psa-haproxy-1', 'psa-haproxy-2']) {
      const checked = run('haproxy', ['-c', '-f', join(folder, name, 'haproxy.cfg')], { debian: 'haproxy' });
      expect(checked.code, checked.output).toBe(0);
      expect(checked.output).not.toMatch(/WARNING|ALERT/);
    }
  });

  it('hold no secret: the key stands in the file that the inventory names', () => {
    const text = renderHaproxy(example())
      .map((file) => file.text)
      .join('\n');
    expect(text).toContain('/etc/haproxy/certs/psa-platform.pem');
    expect(text).not.toMatch(/BEGIN|password|auth_pass|stats auth/);
  });

  it('leave HSTS out when it is turned off', () => {
    const inventory = example();
    inventory.tls.hsts_days = 0;
    expect(renderHaproxy(inventory)[0]!.text).not.toContain('Strict-Transport-Security');
  });

  it('have a server for each replica', () => {
    const inventory = example();
    inventory.services.find((service) => service.name === 'crm')!.replicas = 3;
    expect(renderHaproxy(inventory)[0]!.text).toMatch(/server psa-crm-3 10\.0\.20\.32:3000/);
  });
});
