import type { RequestContext } from '@psa/service-kit/context';
import type { Tx } from '@psa/service-kit/database';
import { emit } from '@psa/service-kit/outbox';
import type { ServiceDeps } from '@psa/service-kit/service';
import { nationalHolidays } from '../holidays/public-holidays.ts';
import { touchSettings } from './settings.ts';

const DAY = [
  { start: '08:00', end: '12:00' },
  { start: '13:00', end: '17:00' },
];
const hours = (response: number, resolution: number) => ({
  response_minutes: response * 60,
  resolution_minutes: resolution * 60,
});

/** What customers choose from until the desk says otherwise. */
const CATEGORIES = [
  'Anwendung',
  'Arbeitsplatz',
  'Backup',
  'Benutzerkonto',
  'Beschaffung',
  'Drucker',
  'E-Mail',
  'Microsoft 365',
  'Netzwerk',
  'Server',
  'Sicherheit',
  'Telefonie',
];

/**
 * A new tenant's desk: office hours with the German holidays of three years, and a policy for everybody.
 * Does nothing where settings exist already.
 */
export async function createDefaults(deps: ServiceDeps, tx: Tx, ctx: RequestContext): Promise<void> {
  const tenantId = ctx.scope.tenant_id;
  const known = await tx.sql`select 1 from sla_policies where tenant_id = ${tenantId} limit 1`;
  if (known.length > 0) return;
  const now = deps.clock.now();
  const year = now.getUTCFullYear();
  const holidays = [year, year + 1, year + 2].flatMap((one) => nationalHolidays('DE', one));
  const week = { 1: DAY, 2: DAY, 3: DAY, 4: DAY, 5: DAY };
  const targets = {
    critical: { response_minutes: 30, resolution_minutes: 240 },
    high: hours(1, 8),
    medium: hours(4, 24),
    low: hours(8, 72),
  };
  const [calendarId, policyId] = [deps.ids.uuid(), deps.ids.uuid()];
  await tx.sql`
    insert into calendars (tenant_id, id, name, time_zone, week, holidays)
    values (${tenantId}, ${calendarId}, 'Standard', 'Europe/Berlin', ${JSON.stringify(week)}::jsonb, ${JSON.stringify(holidays)}::jsonb)`;
  const names = CATEGORIES.map((name) => ({ id: deps.ids.uuid(), name }));
  await tx.sql`
    insert into categories (tenant_id, id, name)
    select ${tenantId}, id, name from jsonb_to_recordset(${JSON.stringify(names)}::jsonb) as r (id uuid, name text)`;
  await tx.sql`
    insert into sla_policies (tenant_id, id, name, calendar_id, is_default, targets)
    values (${tenantId}, ${policyId}, 'Standard', ${calendarId}, true, ${JSON.stringify(targets)}::jsonb)`;
  await touchSettings(tx, tenantId);
  const event = (object: string, id: string) => ({
    type: 'desk.changed.v1' as const,
    aggregate: { type: object, id },
    data: { object, id, change: 'created' },
    public: false,
  });
  await emit(deps, tx, ctx, [event('calendar', calendarId), event('sla_policy', policyId)]);
}
