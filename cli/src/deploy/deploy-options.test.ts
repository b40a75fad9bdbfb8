import { expect, it } from 'vitest';
import { refuseChanged } from './deploy-options.ts';

type Shown = Parameters<typeof refuseChanged>[0];
const seen = (release: string, outage = false) =>
  ({
    wanted: { action: 'rollback', to: { crm: release, auth: release } },
    prepared: {
      plan: {
        checks: outage ? [{ check: 'no outage', result: 'warning', detail: 'crm has one replica' }] : [],
      },
    },
  }) as unknown as Shown;

it('refuses under the lock what was not shown: another release, an outage that nobody was asked about', () => {
  expect(() => refuseChanged(seen('0.2.0'), seen('0.2.0'), false)).not.toThrow();
  expect(() => refuseChanged(seen('0.2.0'), seen('0.3.0'), true)).toThrow(
    'the site has changed since the rollback was shown',
  );
  expect(() => refuseChanged(seen('0.2.0'), seen('0.2.0', true), false)).toThrow('has changed');
  expect(() => refuseChanged(seen('0.2.0'), seen('0.2.0', true), true)).not.toThrow();
  expect(() => refuseChanged(seen('0.2.0', true), seen('0.2.0', true), false)).not.toThrow();
});
