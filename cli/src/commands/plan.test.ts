import { expect, it } from 'vitest';
import { runCli } from '../run-cli.test-helper.ts';

it("names the firewall's file that it cannot read, before it asks a cluster", async () => {
  const ran = await runCli(['plan', '--pfsense', '/nowhere/config.xml']);
  expect(ran).toMatchObject({ code: 2, stdout: '' });
  expect(ran.stderr).toMatch(/Unable to read the firewall's \/nowhere\/config\.xml\.\n {2}why: ENOENT/);
  expect(ran.stderr).toContain('fix: Give a config.xml');
});
