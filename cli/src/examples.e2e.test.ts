import { cp, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { labControl } from '@psa/lab/control';
import { withDataFolder } from '@psa/recovery/embedded/archive-rows';
import { copyPlatformData } from '@psa/test-kit/platform';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ExampleRunner, examplesOf, ofKind } from './examples.test-helper.ts';

let runner: ExampleRunner;
beforeAll(async () => {
  runner = await ExampleRunner.open({ small: true });
});
afterAll(() => runner?.close(), 300_000);

// Those of what works on a site (deploy, scale, certs …) are run by examples.lab.test.ts.
describe('the examples in the help, in a shell', { timeout: 1_800_000, retry: 0 }, () => {
  it('of what needs no cluster', async () => {
    for (const name of ofKind('files')) await runner.run(name, true);
  });

  it('of backups, on the data of a platform in one process', async () => {
    const data = join(runner.folder, '.psa');
    await copyPlatformData('empty', data);
    // The ticket that the examples name.
    await withDataFolder(data, (session) =>
      session.exec(`insert into tickets.tickets (tenant_id, id, ticket_number, title, description, status, priority, source,
        customer_id, created_at, updated_at) values (gen_random_uuid(), gen_random_uuid(), 1042, 'Drucker', '', 'new', 'low',
        'phone', gen_random_uuid(), now(), now())`),
    );
    await runner.run('backup run', true, 'files');
    // The examples name one of a certain day.
    const backups = join(runner.folder, 'backups');
    const made = (await readdir(backups)).find((name) => name.endsWith('.age'))!;
    const [named = ''] = /embedded-[^/]+\.age/.exec((await examplesOf('backup verify')).join('\n'))!;
    for (const end of ['', '.json']) await cp(join(backups, made + end), join(backups, named + end));
    for (const name of ['backup list', 'backup verify', 'backup protect', 'backup metrics'])
      await runner.run(name, true, 'files');
    await withDataFolder(data, (session) =>
      session.exec('delete from tickets.tickets where ticket_number = 1042'),
    );
    for (const name of ['restore ticket', 'restore table']) await runner.run(name, true, 'files');
    await rename(join(runner.folder, '.psa'), join(runner.folder, '.psa.old'));
    const [restore = '', dry = ''] = await examplesOf('restore embedded');
    expect(await runner.shell(dry, true)).toContain('Would restore');
    expect(await runner.shell(restore, true)).toContain('Start it with: npm start');
    await runner.run('backup prune', true, 'files');
  });

  it('of plan and apply: shown, asked for, done, and then there is nothing to do', async () => {
    await writeFile(join(runner.folder, 'config.xml'), '<?xml version="1.0"?>\n<pfsense></pfsense>\n');
    const [first, ...others] = await examplesOf('apply');
    expect(await runner.shell(first!).catch((error: Error) => error.message)).toMatch(/Unable to ask/);
    expect(await runner.terminal(first!, /steps\? \[y\/N\]/, 'y')).toMatch(/done {2}create:ct:300 /);
    for (const run of others) expect(await runner.shell(run), run).toMatch(/Nothing to do/);
    for (const run of await examplesOf('plan')) {
      const stdout = await runner.shell(run);
      if (run.includes('--json')) expect(JSON.parse(stdout)).toMatchObject({ ok: true, steps: [] });
      else expect(stdout).toMatch(/Nothing to do/);
      if (run.includes('--pfsense')) expect(stdout).toContain('missing');
    }
  });

  it('of the lab', async () => {
    for (const name of ofKind('lab')) await runner.run(name);
  });

  it('sent the lab nothing that the schema of Proxmox VE does not know', async () => {
    const { conformance } = await labControl(runner.lab.dir).status();
    // Without the schema, which is not ours to ship, nothing was compared.
    expect(conformance?.misfits ?? []).toEqual([]);
    if (conformance) expect(conformance.requests).toBeGreaterThan(100);
  });

  it('of destroy, which asks for the name, and of lab down', async () => {
    const [asks, told, dry] = await examplesOf('destroy');
    expect(await runner.shell(dry!)).toContain('psa-postgres-1');
    expect(await runner.terminal(asks!, /Type its name \(psa\)/, 'psa')).toMatch(/done {2}\S*ct:300 /);
    expect(await runner.shell(told!)).toMatch(/Nothing|0 steps/);
    await runner.run('lab down');
    await expect(readFile(runner.lab.inventory)).rejects.toThrow('ENOENT');
  });
});
