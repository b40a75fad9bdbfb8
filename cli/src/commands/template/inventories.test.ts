import { exampleText } from '@psa/appliance/inventory/example.test-helper';
import { loadInventory } from '@psa/appliance/inventory/load';
import { renderExample } from '@psa/appliance/inventory/service-parts';
import { newSigningKey } from '@psa/appliance/signing/minisign';
import { LAB_NODES, labInventory } from '@psa/lab/inventory/lab-inventory';
import { loadDefinitions } from '@psa/lxc-templates/definition';
import { expect, it } from 'vitest';

const built = new Map(loadDefinitions().map(({ name, version }) => [name, version]));
const fingerprint = Array.from({ length: 32 }, () => 'AB').join(':');

/** The inventory that a lab gives itself. */
function ofLab() {
  const text = labInventory({
    ...{ folder: '/lab', loopback: '127.77.0', apiPort: 8006, sshPort: 22, sshUser: 'root' },
    fingerprints: Object.fromEntries(LAB_NODES.map(({ name }) => [name, fingerprint])),
    publicKey: newSigningKey().publicKey,
    ...{ portal: 'https://127.0.0.1:8443', release: { version: '0.1.0', directory: 'releases' } },
  });
  const loaded = loadInventory(text, 'appliance.yaml');
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.errors));
  return loaded.inventory;
}

it('the example has the services of contracts and the templates that are built', async () => {
  await expect(renderExample(exampleText, built), 'written by `npm run golden`').toMatchFileSnapshot(
    '../../../../appliance.yaml',
  );
});

it('the inventory of the lab asks for the templates that are built', () => {
  const templates = ofLab().templates.map(({ name, version }) => [name, version]);
  expect(templates).toEqual(templates.map(([name]) => [name, built.get(name!)]));
});
