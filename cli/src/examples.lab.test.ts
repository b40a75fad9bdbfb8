import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { labControl } from '@psa/lab/control';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ExampleRunner, ofKind } from './examples.test-helper.ts';
import { makeRelease } from './fake-lab.test-helper.ts';
import { issueEdge } from './site/certificate.ts';

let runner: ExampleRunner;
beforeAll(async () => {
  runner = await ExampleRunner.open();
});
afterAll(() => runner?.close(), 300_000);

const OF_BACKUPS = [
  ...['list', 'show', 'verify', 'protect', 'copy', 'catalogue rebuild', 'metrics', 'prune'].map(
    (verb) => `backup ${verb}`,
  ),
  ...['container', 'database', 'redis', 'config'].map((what) => `restore ${what}`),
  ...['drill run', 'drill report'],
];

/** The examples name a run of a certain day: what was taken on another gets its name. */
async function putNamed(folder: string, kind: string): Promise<void> {
  const named = '20261130T020000Z-3f9a2c';
  const name = (await readdir(folder)).find((one) => one.startsWith(`${kind}-`) && !one.endsWith('.json'))!;
  const run = name.slice(kind.length + 1).split('.')[0]!;
  await cp(join(folder, name), join(folder, name.replace(run, named)));
  const manifest = await readFile(join(folder, `${name}.json`), 'utf8');
  await writeFile(join(folder, `${name.replace(run, named)}.json`), manifest.replaceAll(run, named));
}

describe('the examples in the help, in a shell', { timeout: 1_800_000 }, () => {
  it('of what works on a site', async () => {
    const { lab, folder } = runner;
    const { site } = lab;
    // Secrets of every kind, and a release to go back from.
    await lab.edit((text) =>
      text.replace(
        /(smarthost: [^,}\n]+)/,
        '$1\n    username: psa\n    password_file: /etc/prometheus/secrets/mail-password',
      ),
    );
    await makeRelease(site.path(site.inventory.releases.directory), '0.2.0');
    await runner.shell('psactl apply --site lab --yes');
    await runner.shell('psactl deploy tickets --release 0.2.0 --no-backup --site lab');
    const pem = await issueEdge(site.folder, site.inventory.domain, []);
    const key = pem.indexOf('-----BEGIN PRIVATE');
    await writeFile(join(folder, 'psa.pem'), pem);
    await writeFile(join(folder, 'chain.pem'), pem.slice(0, key));
    await writeFile(join(folder, 'key.pem'), pem.slice(key));
    await cp(join(lab.dir, 'dist'), join(folder, 'dist'), { recursive: true });
    for (const name of ofKind('site')) await runner.run(name);
    await runner.run('backup run', false, 'site');
    for (const kind of ['database', 'configs']) await putNamed(site.folder.file('backups'), kind);
    for (const name of OF_BACKUPS) await runner.run(name, false, 'site');
    await mkdir(join(folder, '.config/rclone'), { recursive: true });
    await writeFile(
      join(folder, '.config/rclone/rclone.conf'),
      `[offsite]\ntype = alias\nremote = ${join(folder, 'outside')}\n`,
    );
    await lab.edit((text) => text.replace(/(name: grandfather,.*) storage: nas/, '$1 remote: "offsite:"'));
    await runner.shell('psactl backup run --tier grandfather --only rabbitmq --site lab --yes');
    for (const verb of ['send', 'list', 'verify', 'fetch', 'prune']) await runner.run(`offsite ${verb}`);
    expect((await labControl(lab.dir).status()).conformance?.misfits ?? []).toEqual([]);
  });
});
