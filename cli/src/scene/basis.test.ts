import { ProxmoxClient } from '@psa/proxmox/client/client';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { applySite, type Looked, planSite } from '../apply/apply.ts';
import { Journal } from '../apply/apply-journal.ts';
import { writeDeployed } from '../site/deployed.ts';
import { writeRolloutJournal } from '../site/rollout-journal.ts';
import type { OpenSite } from '../site/site.ts';
import { SceneSite, silent } from './scene-site.test-helper.ts';

let world: SceneSite;
let site: OpenSite;
const context = { signal: new AbortController().signal, progress: silent };
const WISH = { recreate: [], removeData: false };

beforeAll(async () => {
  world = await SceneSite.open();
  site = world.site(ProxmoxClient, 'psactl');
}, 120_000);
afterAll(() => world.close());

/** As if nothing was to do when it was shown: what there is to do now shows whether it was looked at again. */
const emptied = (looked: Looked): Looked => ({ ...looked, plan: { ...looked.plan, steps: [] } });
const applied = (shown: Looked) => applySite(site, emptied(shown), { ...WISH, mayGrow: false }, context);

it('acts on what was shown a moment ago while nobody was at work in between', async () => {
  const shown = await planSite(site, WISH, context);
  expect(shown.plan.steps.length).toBeGreaterThan(50);
  expect((await applied(shown)).steps).toEqual([]);
});

it.each<[string, (site: OpenSite) => Promise<unknown>]>([
  [
    'a deploy that has begun and not ended',
    ({ folder }) =>
      writeRolloutJournal(folder, {
        ...{ id: 'x', action: 'deploy', startedAt: new Date().toISOString(), phase: 'roll', backup: null },
        rollout: { to: { crm: '0.2.0' }, from: { crm: '0.1.0' }, reason: null },
      }),
  ],
  ['a deploy that has ended', ({ folder }) => writeDeployed(folder.path, { crm: '0.3.0' })],
  [
    'a creation by another apply',
    async ({ folder }) => {
      const journal = await Journal.open(folder);
      journal.add({ event: 'started', step: 'create:ct:300', deed: { kind: 'create', container: 300 } });
      journal.close();
    },
  ],
  [
    'a secret that was given another value',
    async ({ folder }) => folder.writeSecrets({ ...(await folder.secrets()), smtp_password: 'another' }),
  ],
  [
    'another inventory',
    async ({ inventory }) => {
      inventory.services.find(({ name }) => name === 'crm')!.replicas += 1;
    },
  ],
])('looks again after %s', async (_, meanwhile) => {
  const shown = await planSite(site, WISH, context);
  await meanwhile(site);
  await expect(applied(shown)).rejects.toThrow('the cluster has changed since the plan was shown');
});
