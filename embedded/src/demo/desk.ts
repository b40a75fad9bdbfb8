import type { ImportTicketResponse } from '@psa/contracts/ticket-import';
import type { Static } from 'typebox';
import type { Platform } from '../platform.ts';
import { type Caller, signIn } from './caller.ts';
import { PAST_TICKETS } from './history.ts';
import { importedTicket } from './imported-ticket.ts';
import { LIVE_TICKETS, type LiveTicket } from './live.ts';
import { CUSTOMERS, type DemoCustomer, STAFF, type StaffKey } from './people.ts';

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

/** Fills an empty tenant through the API: staff, teams, customers, tickets of the past weeks and of today. */
export async function fillDesk(
  platform: Platform,
  admin: Caller,
  accounts: { password: string; setPasswords(emails: readonly string[]): Promise<void> },
): Promise<void> {
  const staff = await makeStaff(admin);
  await makeTeams(admin, staff);
  const customers = new Map<string, KnownCustomer>();
  for (const customer of CUSTOMERS) customers.set(customer.key, await makeCustomer(admin, customer));
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
  await importPast(platform, admin, staff, customers);

  const callers = new Map<string, Caller>();
  for (const [key, email] of [
    ...STAFF.map(({ key, email }) => [key, email]),
    ...Object.entries(PORTAL_USERS),
  ]) {
    callers.set(key!, await signIn(platform, email!, accounts.password));
  }
  for (const [i, ticket] of LIVE_TICKETS.entries()) await makeLive(ticket, i, { staff, customers, callers });
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

async function makeCustomer(admin: Caller, customer: DemoCustomer): Promise<KnownCustomer> {
  const { key, sites, contacts, ...fields } = customer;
  const { data } = await admin.send<One<Entity>>('POST', '/customers', fields, { key: `customer-${key}` });
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

async function importPast(
  platform: Platform,
  admin: Caller,
  staff: StaffIds,
  customers: ReadonlyMap<string, KnownCustomer>,
): Promise<void> {
  const now = platform.deps.tickets.clock.now();
  const tickets = PAST_TICKETS.map((ticket, i) => {
    const customer = customers.get(ticket.customer)!;
    const contact = customer.contacts[ticket.contact]!;
    const technician = staff.get(ticket.who)!;
    return importedTicket(
      ticket,
      i,
      {
        customerId: customer.id,
        contactId: contact.id,
        contactName: contact.name,
        technicianId: technician.id,
        technicianName: technician.name,
      },
      now,
    );
  });
  const answer = await admin.send<Static<typeof ImportTicketResponse>>('POST', '/tickets/import', {
    source: 'demo',
    tickets,
  });
  const refused = answer.tickets.filter(({ outcome }) => outcome === 'refused');
  if (refused.length > 0) throw new Error(`Demo data: tickets refused: ${JSON.stringify(refused)}`);
  for (const [i, past] of PAST_TICKETS.entries()) {
    const { id, outcome } = answer.tickets[i]!;
    if (outcome === 'unchanged') continue;
    await admin.send(
      'POST',
      `/tickets/${id}/time-entries`,
      {
        minutes: Math.max(10, Math.min(120, Math.round((past.solved - past.taken) / 2 / 5) * 5)),
        note: past.title,
        started_at: tickets[i]!.first_response_at,
      },
      { key: `past-time-${i}` },
    );
  }
}

async function makeLive(
  ticket: LiveTicket,
  index: number,
  known: {
    staff: StaffIds;
    customers: ReadonlyMap<string, KnownCustomer>;
    callers: ReadonlyMap<string, Caller>;
  },
): Promise<void> {
  const customer = known.customers.get(ticket.customer)!;
  const dispatcher = known.callers.get('holger')!;
  const portalUser = known.callers.get(ticket.customer);
  const byPortal = portalUser !== undefined && ticket.contact === 0 && ticket.source === undefined;
  const {
    customer: _,
    contact,
    text,
    who,
    status,
    comments = [],
    time = [],
    source,
    tags = [],
    ...fields
  } = ticket;
  const asked = { ...fields, description: text, tags, customer_id: customer.id };
  const { data } = byPortal
    ? await portalUser.send<One<Entity>>('POST', '/tickets', asked, { key: `live-${index}` })
    : await dispatcher.send<One<Entity>>(
        'POST',
        '/tickets',
        { ...asked, contact_id: customer.contacts[contact]!.id, source: source ?? 'technician' },
        { key: `live-${index}` },
      );
  const path = `/tickets/${data.id}`;
  if (who === undefined) return;
  const technician = known.callers.get(who)!;
  // Repeated after a start that was cut off, a step that was done already is refused as a conflict.
  const again = { allowed: [409] };
  await dispatcher.send('PATCH', path, { assigned_to: known.staff.get(who)!.id }, again);
  if (status !== undefined && status !== 'assigned')
    await technician.send('PATCH', path, { status: 'in_progress' }, again);
  for (const [i, comment] of comments.entries()) {
    const author = comment.by === 'customer' ? (portalUser ?? dispatcher) : known.callers.get(comment.by)!;
    await author.send(
      'POST',
      `${path}/comments`,
      {
        body: comment.text,
        ...(comment.by === 'customer' ? {} : { visibility: comment.internal ? 'internal' : 'public' }),
      },
      { key: `live-${index}-comment-${i}` },
    );
  }
  for (const [i, [minutes, note]] of time.entries()) {
    await technician.send(
      'POST',
      `${path}/time-entries`,
      { minutes, note },
      { key: `live-${index}-time-${i}` },
    );
  }
  if (status === 'waiting_customer' || status === 'resolved')
    await technician.send('PATCH', path, { status }, again);
}
