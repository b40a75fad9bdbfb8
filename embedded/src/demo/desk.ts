import type { ImportTicketResponse } from '@psa/contracts/ticket-import';
import type { Static } from 'typebox';
import { type Caller, signIn } from './caller.ts';
import type { DemoTarget } from './demo-target.ts';
import { importedTicket } from './imported-ticket.ts';
import { workdayMoment } from './office-time.ts';
import { EARLY_TICKETS } from './past-tickets-early.ts';
import { LATE_TICKETS } from './past-tickets-late.ts';
import { CUSTOMERS, type DemoCustomer, STAFF, type StaffKey } from './people.ts';
import { type Cast, firstOpening, playLive } from './play.ts';

type One<T> = { data: T };
interface Entity {
  readonly id: string;
  readonly name: string;
}
interface KnownCustomer {
  readonly id: string;
  readonly contacts: readonly Entity[];
}

/** Portal accounts, by the customer whose main contact they are. */
const PORTAL_USERS: Readonly<Record<string, string>> = {
  brauerei: 'customer@demo.example',
  praxis: 'other@demo.example',
};

/** When the story of the demo data begins, told at `now`. */
export const beginningOf = (now: Date): Date => workdayMoment(firstOpening(now), 40, 0);

/**
 * Fills an empty tenant through the API: staff, teams, customers, tickets of the past weeks and of the last days.
 * Call it with the clocks of customers and desk held at the story's beginning; it moves the desk's on.
 * @param story.now what "now" is in it @param story.resumed an earlier start began it and was cut off
 */
export async function fillDesk(
  platform: DemoTarget,
  admin: Caller,
  accounts: { password: string; setPasswords(emails: readonly string[]): Promise<void> },
  story: { now: Date; resumed: boolean },
): Promise<void> {
  const staff = await makeStaff(admin);
  await makeTeams(admin, staff);
  const aroundTheClock = await makeSlaPolicy(admin);
  const customers = new Map<string, KnownCustomer>();
  for (const customer of CUSTOMERS) {
    const policy = customer.tags.includes('24x7') ? aroundTheClock : null;
    customers.set(customer.key, await makeCustomer(admin, customer, policy));
  }
  await makeRule(admin, customers.get(CUSTOMERS[0]!.key)!.id);
  for (const [key, email] of Object.entries(PORTAL_USERS)) {
    await admin.send(
      'POST',
      '/users',
      {
        email,
        name: CUSTOMERS.find((one) => one.key === key)!.contacts[0]!.name,
        role: 'customer_admin',
        customer_id: customers.get(key)!.id,
      },
      { key: `user-${key}`, allowed: [409] },
    );
  }
  await accounts.setPasswords([...STAFF.map(({ email }) => email), ...Object.values(PORTAL_USERS)]);

  const callers = new Map<string, Caller>();
  for (const [key, email] of [
    ...STAFF.map(({ key, email }) => [key, email]),
    ...Object.entries(PORTAL_USERS),
  ]) {
    callers.set(key!, await signIn(platform, email!, accounts.password));
  }
  await importPast(platform, admin, { staff, customers, callers, admin }, firstOpening(story.now));
  await playLive(platform, { staff, customers, callers, admin }, story.now, story.resumed);
}

type StaffIds = ReadonlyMap<StaffKey, Entity>;

async function makeStaff(admin: Caller): Promise<StaffIds> {
  for (const { key, email, name, role } of STAFF) {
    await admin.send('POST', '/users', { email, name, role }, { key: `staff-${key}`, allowed: [409] });
  }
  const { data } = await admin.send<{ data: (Entity & { email: string })[] }>(
    'GET',
    '/users?audience=staff&limit=100&fields=id,name,email',
  );
  return new Map(STAFF.map(({ key, email }) => [key, data.find((user) => user.email === email)!]));
}

async function makeTeams(admin: Caller, staff: StaffIds): Promise<void> {
  const { data: known } = await admin.send<{ data: Entity[] }>('GET', '/teams?limit=100');
  for (const name of new Set(STAFF.map(({ team }) => team))) {
    if (known.some((team) => team.name === name)) continue;
    const member_ids = STAFF.filter(({ team }) => team === name).map(({ key }) => staff.get(key)!.id);
    await admin.send('POST', '/teams', { name, member_ids }, { key: `team-${name.replaceAll(' ', '_')}` });
  }
  for (const { key, skills } of STAFF) {
    if (skills.length === 0) continue;
    // The desk learns of new staff by an event, which may still be under way.
    const path = `/technicians/${staff.get(key)!.id}`;
    for (let attempt = 0; attempt < 100; attempt++) {
      const answer = await admin.send<{ error?: object }>('PATCH', path, { skills }, { allowed: [404] });
      if (!answer?.error) break;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

/** A rule of assignment to look at; switched off, since the story says itself who does what. */
async function makeRule(admin: Caller, customer_id: string): Promise<void> {
  const { data: known } = await admin.send<{ data: Entity[] }>('GET', '/assignment-rules?limit=1');
  const { data: categories } = await admin.send<{ data: Entity[] }>('GET', '/categories?limit=100');
  const { data: teams } = await admin.send<{ data: Entity[] }>('GET', '/teams?limit=1');
  const category = categories.find(({ name }) => name === 'Netzwerk')?.name;
  const team_id = teams[0]?.id;
  if (known.length > 0 || !category || !team_id) return;
  const rule = {
    name: 'Netzwerk in der Brauerei',
    position: 1,
    category,
    customer_id,
    team_id,
    active: false,
  };
  await admin.send('POST', '/assignment-rules', rule, { key: 'rule-brewery' });
}

const hours = (response: number, resolution: number) => ({
  response_minutes: response * 60,
  resolution_minutes: resolution * 60,
});

/** A policy that counts day and night, for customers whose contract says so; returns its id. */
async function makeSlaPolicy(admin: Caller): Promise<string> {
  // The desk's own settings come by an event of the new tenant, and only where there are none yet.
  for (let attempt = 0; attempt < 200; attempt++) {
    const { data } = await admin.send<{ data: Entity[] }>('GET', '/sla-policies');
    if (data.length > 0) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const { data } = await admin.send<One<Entity>>(
    'POST',
    '/sla-policies',
    {
      name: 'Rund um die Uhr',
      calendar_id: null,
      targets: {
        critical: hours(0.5, 4),
        high: hours(1, 8),
        medium: hours(4, 24),
        low: hours(72, 168),
      },
    },
    { key: 'sla-around-the-clock' },
  );
  return data.id;
}

async function makeCustomer(
  admin: Caller,
  customer: DemoCustomer,
  sla_policy_id: string | null,
): Promise<KnownCustomer> {
  const { key, sites, contacts, ...fields } = customer;
  const { data } = await admin.send<One<Entity>>(
    'POST',
    '/customers',
    { ...fields, sla_policy_id },
    { key: `customer-${key}` },
  );
  const siteIds: string[] = [];
  for (const [i, site] of sites.entries()) {
    const made = await admin.send<One<Entity>>(
      'POST',
      '/sites',
      { customer_id: data.id, ...site, country: 'DE', time_zone: 'Europe/Berlin' },
      { key: `site-${key}-${i}` },
    );
    siteIds.push(made.data.id);
  }
  const made: Entity[] = [];
  for (const [i, contact] of contacts.entries()) {
    const answer = await admin.send<One<Entity>>(
      'POST',
      '/contacts',
      { customer_id: data.id, site_id: siteIds[0], ...contact, is_primary: i === 0 },
      { key: `contact-${key}-${i}` },
    );
    made.push(answer.data);
  }
  return { id: data.id, contacts: made };
}

/** Takes over what was done before the desk went live: all at once then, but for the working time booked at the end of each. */
async function importPast(
  platform: DemoTarget,
  admin: Caller,
  { staff, customers, callers }: Cast,
  wentLive: Date,
): Promise<void> {
  const past = [...EARLY_TICKETS, ...LATE_TICKETS]
    .map((ticket, i) => {
      const customer = customers.get(ticket.customer)!;
      const contact = customer.contacts[ticket.contact]!;
      const technician = staff.get(ticket.who)!;
      const refs = {
        customerId: customer.id,
        contactId: contact.id,
        contactName: contact.name,
        technicianId: technician.id,
        technicianName: technician.name,
      };
      return { ticket, given: importedTicket(ticket, i, refs, wentLive) };
    })
    .sort((a, b) => a.given.created_at.localeCompare(b.given.created_at));
  platform.clocks.tickets.hold(wentLive);
  const answer = await admin.send<Static<typeof ImportTicketResponse>>('POST', '/tickets/import', {
    source: 'demo',
    tickets: past.map(({ given }) => given),
  });
  const refused = answer.tickets.filter(({ outcome }) => outcome === 'refused');
  if (refused.length > 0) throw new Error(`Demo data: tickets refused: ${JSON.stringify(refused)}`);
  for (const [i, { ticket, given }] of past.entries()) {
    platform.clocks.tickets.hold(new Date(given.resolved_at!));
    await callers.get(ticket.who)!.send(
      'POST',
      `/tickets/${answer.tickets[i]!.id}/time-entries`,
      {
        minutes: Math.max(10, Math.min(120, Math.round((ticket.solved - ticket.taken) / 2 / 5) * 5)),
        note: ticket.title,
        started_at: given.first_response_at,
      },
      { key: `past-time-${given.external_id}` },
    );
  }
}
