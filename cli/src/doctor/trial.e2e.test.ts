import { afterAll, beforeAll, expect, it } from 'vitest';
import { type FakeLab, fakeLab } from '../fake-lab.test-helper.ts';

let lab: FakeLab;
beforeAll(async () => {
  lab = await fakeLab({ small: true });
});
afterAll(() => lab?.close());

const guests = async () =>
  (
    await lab.site.client.request<readonly { name: string }[]>('GET', '/cluster/resources', { type: 'vm' })
  ).map(({ name }) => name);

it('doctor tries what an apply does, and leaves nothing; what an earlier one left is removed', async () => {
  const first = await lab.psactl('doctor', '--json');
  const { findings } = JSON.parse(first.stdout) as {
    findings: { what: string; result: string; detail: string }[];
  };
  const trial = findings.filter(({ what }) => what.startsWith('trial'));
  expect(trial.map(({ what, result, detail }) => (result === 'ok' ? what : `${what}: ${detail}`))).toEqual([
    'trial: bring a template',
    'trial: make a container in the pool',
    'trial: give it its tags',
    'trial: start it, with its network',
    'trial: run a command in it by ssh',
    'trial: make and remove a snapshot of it',
    'trial: back it up',
    'trial: put it under HA',
    'trial: remove it',
  ]);
  expect(await guests()).toEqual([]);

  // Killed in the midst of it.
  const killed = lab.killedWhen(async () => (await guests()).length > 0, 'doctor');
  expect(await killed).toBe(true);
  expect(await guests()).toHaveLength(1);
  const again = await lab.psactl('doctor', '--no-trial', '--json');
  expect(again.stdout).not.toContain('trial:');
  await lab.psactl('doctor');
  expect(await guests()).toEqual([]);
});

it('doctor says once that a node shows another certificate, and not with each thing that it cannot ask there', async () => {
  const { inventory } = lab.site;
  const fingerprint = inventory.sites[0]!.nodes[1]!.fingerprint!;
  await lab.edit((text) => text.replace(fingerprint, Array(32).fill('AB').join(':')));
  const looked = await lab.psactl('doctor', '--no-trial', '--json');
  await lab.edit((text) => text.replace(Array(32).fill('AB').join(':'), fingerprint));
  const { findings } = JSON.parse(looked.stdout) as { findings: { what: string; result: string }[] };
  const failed = findings.filter(({ result }) => result === 'failed').map(({ what }) => what);
  expect(failed).toEqual(['certificate of pve2']);
});
