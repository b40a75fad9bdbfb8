import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { example } from '../inventory/example.test-helper.ts';
import { expand } from '../inventory/expand.ts';
import { resolveFlows } from '../inventory/flows.ts';
import { dataParts } from '../parts/parts.ts';
import { alertGroups } from './alerts.ts';
import { expectGoldens } from './golden.test-helper.ts';
import { renderMonitoring } from './monitoring.ts';
import { run, written } from './run.test-helper.ts';

const PROMTOOL = { debian: 'prometheus' };

/** The example rendered to a folder, with secret files that are there. */
function rendered(): string {
  const secrets = written([
    { path: 'token', text: 'x' },
    { path: 'password', text: 'x' },
    { path: 'webhook', text: 'https://chat.example.com/hook' },
  ]);
  const inventory = example();
  inventory.monitoring.metrics_token_file = `${secrets}/token`;
  inventory.monitoring.mail.password_file = `${secrets}/password`;
  inventory.monitoring.chat_webhook_file = `${secrets}/webhook`;
  return written(renderMonitoring(inventory, dataParts()));
}

describe('the files of Prometheus and Alertmanager', () => {
  it('follow from the example inventory', async () => {
    await expectGoldens('monitoring/golden', renderMonitoring(example(), dataParts()));
  });

  it('pass promtool and amtool', () => {
    const cwd = rendered();
    const config = run('promtool', ['check', 'config', 'prometheus.yml'], { ...PROMTOOL, cwd });
    expect(config.code, config.output).toBe(0);
    const rules = run('promtool', ['check', 'rules', '--lint-fatal', 'rules.yml'], { ...PROMTOOL, cwd });
    expect(rules.code, rules.output).toBe(0);
    const alerts = run('amtool', ['check-config', 'alertmanager.yml'], {
      debian: 'prometheus-alertmanager',
      cwd,
    });
    expect(alerts.code, alerts.output).toBe(0);
  });

  it('wake people when they should, and only then', () => {
    // Beside what is rendered now: the golden files are of the last `npm run golden`.
    const cases = readFileSync(new URL('../../../../monitoring/alerts.test.yml', import.meta.url), 'utf8');
    const golden = renderMonitoring(example(), dataParts());
    const cwd = written([
      { path: 'alerts.test.yml', text: cases },
      ...golden.map((file) => ({ ...file, path: `golden/${file.path}` })),
    ]);
    const tested = run('promtool', ['test', 'rules', 'alerts.test.yml'], { ...PROMTOOL, cwd });
    expect(tested.code, tested.output).toBe(0);
    expect(tested.output).toContain('SUCCESS');
  });

  it('page for critical alerts and mail for the rest', () => {
    const cwd = rendered();
    const receiver = (severity: string) =>
      run('amtool', ['config', 'routes', 'test', '--config.file=alertmanager.yml', `severity=${severity}`], {
        debian: 'prometheus-alertmanager',
        cwd,
      }).output.split('\n')[0];
    expect([receiver('critical'), receiver('warning')]).toEqual(['critical', 'mail']);
  });

  it('read every container, and only over flows that are allowed', () => {
    const inventory = example();
    const file = renderMonitoring(inventory, dataParts()).find((one) => one.path === 'prometheus.yml')!;
    const { scrape_configs } = parse(file.text) as {
      scrape_configs: { job_name: string; static_configs: { targets: string[] }[] }[];
    };
    const targets = scrape_configs.flatMap((job) => job.static_configs.flatMap((one) => one.targets));
    const containers = expand(inventory);
    for (const { address } of containers)
      expect(targets.some((one) => one.startsWith(`${address}:`))).toBe(true);

    const flows = resolveFlows(inventory).filter((flow) =>
      ['monitoring', 'management'].includes(flow.from.name),
    );
    const vlanOf = (address: string) => address.split('.').slice(0, 3).join('.');
    const own = containers.find((one) => one.group === 'monitoring')!;
    const blocked = targets.filter((target) => {
      const [address, port] = target.split(':') as [string, string];
      const allowed = flows.some(
        ({ to, ports }) =>
          to.addresses.some(
            (one) => one === address || (one.includes('/') && vlanOf(one) === vlanOf(address)),
          ) &&
          ports.some((one) => {
            const [from, until] = one.split('-').map(Number) as [number, number?];
            return Number(port) >= from && Number(port) <= (until ?? from);
          }),
      );
      return !allowed && vlanOf(address) !== vlanOf(own.address);
    });
    expect(blocked).toEqual([]);
  });

  it('say for every alert what to do first', () => {
    const alerts = alertGroups(example(), dataParts()).flatMap((group) => group.rules);
    expect(alerts.length).toBeGreaterThan(15);
    for (const { annotations } of alerts) {
      expect(annotations.summary).toMatch(/\.$/);
      expect(annotations.runbook).toMatch(/\w{3,}.*\.$/);
    }
    expect(new Set(alerts.map((one) => one.alert)).size).toBe(alerts.length);
  });

  it('do not ask for a synchronous replica where there is none', () => {
    const inventory = example();
    inventory.data.postgres.synchronous = false;
    expect(JSON.stringify(alertGroups(inventory, dataParts()))).not.toContain('PostgresNotSynchronous');
  });
});
