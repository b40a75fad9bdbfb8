import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { example } from '@psa/appliance/inventory/example.test-helper';
import { newSigningKey } from '@psa/appliance/signing/minisign';
import { loadDefinitions } from '@psa/lxc-templates/definition';
import { fileNames } from '@psa/lxc-templates/manifest';
import { tempDir } from '@psa/test-kit/temp-dir';
import { expect, it } from 'vitest';
import { putTemplate } from '../commands/template/templates.test-helper.ts';
import { signFile, testKey } from '../sign.test-helper.ts';
import { signatureFile } from './signature.ts';
import { findTemplate, signedTemplate } from './template-file.ts';

it('has one home for templates, beside the inventory, wherever psactl is called', async () => {
  const dir = await tempDir('template-file');
  try {
    const site = { file: join(dir.path, 'appliance.yaml'), inventory: example() };
    site.inventory.releases.public_keys = [(await testKey()).publicKey];
    const name = 'no-such-template-1.0.0.tar.zst';
    expect(await findTemplate(site, name)).toBeNull();
    await expect(signedTemplate(site, name)).rejects.toMatchObject({
      fix: 'Build it: psactl template build',
    });
    const path = join(dir.path, 'dist/templates', name);
    await mkdir(join(path, '..'), { recursive: true });
    await writeFile(path, '');
    expect(await findTemplate(site, name)).toBe(path);
  } finally {
    await dir.remove();
  }
});

it('gives out a template only with a manifest that was signed, and that is its own', async () => {
  const dir = await tempDir('template-signed');
  try {
    const folder = join(dir.path, 'dist/templates');
    await mkdir(folder, { recursive: true });
    const inventory = example();
    const site = { file: join(dir.path, 'appliance.yaml'), inventory };
    const names = fileNames(loadDefinitions().find(({ name }) => name === 'redis')!);
    const [archive, manifest] = [join(folder, names.archive), join(folder, names.manifest)];
    const put = () => putTemplate(folder, 'redis', 'an archive');
    const whyNot = () =>
      signedTemplate(site, names.archive).then(
        () => null,
        (error) => `${error.message} ${error.why} ${error.fix}`,
      );
    await put();
    expect(await whyNot()).toMatch(/names no key .*releases\.public_keys.*psactl secrets signing-key/);
    inventory.releases.public_keys = [(await testKey()).publicKey];
    expect(await signedTemplate(site, names.archive)).toMatchObject({ path: archive });

    await rm(signatureFile(manifest));
    expect(await whyNot()).toMatch(/nobody has signed it \(there is no redis-.*\.json\.minisig\)/);
    await put();
    await signFile(manifest, newSigningKey());
    expect(await whyNot()).toMatch(/signed with the key [0-9A-F]{16}, which the inventory does not name/);
    await put();
    await writeFile(archive, 'another archive');
    expect(await whyNot()).toContain('its archive is not the one of its manifest');
    // A manifest that fits the exchanged archive is not the signed one.
    const signature = await readFile(signatureFile(manifest));
    await putTemplate(folder, 'redis', 'another archive');
    await writeFile(signatureFile(manifest), signature);
    expect(await whyNot()).toContain('it was changed after it was signed');
    // Nor is the signed one of another template.
    await putTemplate(folder, 'haproxy', 'haproxy');
    const other = fileNames(loadDefinitions().find(({ name }) => name === 'haproxy')!);
    for (const end of ['', '.minisig'])
      await copyFile(join(folder, `${other.manifest}${end}`), `${manifest}${end}`);
    expect(await whyNot()).toContain(`that of another file (file:${other.manifest})`);
  } finally {
    await dir.remove();
  }
});
