import { setTimeout as sleep } from 'node:timers/promises';
import type { Caller } from './caller.ts';
import type { DemoTarget } from './demo-target.ts';
import { LIVE_TICKETS } from './live.ts';
import type { LiveTicket } from './live-ticket.ts';
import { officeMinutesBefore } from './office-time.ts';
import type { StaffKey } from './people.ts';

interface Named {
  readonly id: string;
  readonly name: string;
}

/** Something that somebody did at a time. */
interface Step {
  readonly at: Date;
  run(): Promise<void>;
}

/** Who takes part, by the keys of the demo data. */
export interface Cast {
  readonly staff: ReadonlyMap<StaffKey, Named>;
  readonly customers: ReadonlyMap<string, { readonly id: string; readonly contacts: readonly Named[] }>;
  /** Everybody who can sign in: staff, and a portal user under the key of the customer. */
  readonly callers: ReadonlyMap<string, Caller>;
  readonly admin: Caller;
}

/** The moment a number of a live ticket means. */
const momentOf = (ticket: LiveTicket, ago: number, now: Date) =>
  ticket.aroundTheClock ? new Date(now.getTime() - ago * 60_000) : officeMinutesBefore(now, ago);

/** When the first of the live tickets comes in. */
export const firstOpening = (now: Date): Date =>
  new Date(Math.min(...LIVE_TICKETS.map((ticket) => momentOf(ticket, ticket.opened, now).getTime())));

/**
 * Plays the last days up to `now`, each step at its time on the desk's clock, and has the desk's deadlines
 * pass between the steps as they would have. The desk's clock stays held.
 * @param resumed a start before this one was cut off: what it did is not done again
 */
export async function playLive(platform: DemoTarget, cast: Cast, now: Date, resumed: boolean): Promise<void> {
  const steps = LIVE_TICKETS.flatMap((ticket, i) => stepsOf(ticket, i, cast, now, resumed));
  for (const step of steps.sort((a, b) => a.at.getTime() - b.at.getTime())) {
    await passTo(platform, step.at);
    await step.run();
  }
  await passTo(platform, now);
}

/** Moves the desk's clock on; the deadlines on the way pass at their own time, so that no breach is noted late. */
async function passTo(platform: DemoTarget, at: Date): Promise<void> {
  const { clocks, deps, services } = platform;
  const { db } = deps.tickets;
  for (;;) {
    const [row] = await db.system(
      (tx) => tx.sql<{ due: string | null }[]>`
        select min(due_at) as due from timers where kind like 'sla%' and due_at <= ${at.toISOString()}`,
    );
    if (!row?.due) break;
    clocks.tickets.hold(new Date(row.due));
    // The desk's own worker looks once a second too, and may have the timer in its hands.
    if ((await services.tickets.runDue()) === 0) await sleep(10);
  }
  clocks.tickets.hold(at);
}

/** What happens to a ticket, in order. Within a ticket no two steps share an instant. */
function stepsOf(ticket: LiveTicket, index: number, cast: Cast, now: Date, resumed: boolean): Step[] {
  const customer = cast.customers.get(ticket.customer)!;
  const dispatcher = cast.callers.get('holger')!;
  const portalUser = cast.callers.get(ticket.customer);
  const technician = ticket.who && cast.callers.get(ticket.who)!;
  const { title, text, category, priority, tags = [], status } = ticket;
  const key = `live-${index}`;
  let path = '';

  const planned: { ago: number; run(at: Date): Promise<unknown> }[] = [];
  const plan = (ago: number, run: (at: Date) => Promise<unknown>) => planned.push({ ago, run });
  const change = (ago: number, by: Caller, body: object) =>
    plan(ago, async (at) => {
      if (resumed) {
        const { data } = await by.send<{ data: { updated_at: string } }>('GET', path);
        if (new Date(data.updated_at) >= at) return;
      }
      await by.send('PATCH', path, body);
    });

  plan(ticket.opened, async () => {
    const asked = { title, description: text, category, priority, tags, customer_id: customer.id };
    const byPortal = portalUser !== undefined && ticket.contact === 0 && ticket.source === undefined;
    const { data } = byPortal
      ? await portalUser.send<{ data: { id: string } }>('POST', '/tickets', asked, { key })
      : await dispatcher.send<{ data: { id: string } }>(
          'POST',
          '/tickets',
          {
            ...asked,
            contact_id: customer.contacts[ticket.contact]!.id,
            source: ticket.source ?? 'technician',
          },
          { key },
        );
    path = `/tickets/${data.id}`;
  });
  if (technician) {
    const assigned_to = cast.staff.get(ticket.who!)!.id;
    change(ticket.taken!, dispatcher, { assigned_to });
    if (ticket.begun !== undefined) change(ticket.begun, technician, { status: 'in_progress' });
    for (const [i, [minutes, note, ago, { corrected, byAdmin } = {}]] of (ticket.time ?? []).entries()) {
      let entry = '';
      plan(ago, async () => {
        const booked = { minutes: corrected?.from ?? minutes, note };
        const { data } = await (byAdmin ? cast.admin : technician).send<{ data: { id: string } }>(
          'POST',
          `${path}/time-entries`,
          byAdmin ? { ...booked, user_id: assigned_to } : booked,
          { key: `${key}-time-${i}` },
        );
        entry = `${path}/time-entries/${data.id}`;
      });
      // What it is corrected to already changes nothing, so a second start may say it again.
      if (corrected) plan(corrected.ago, () => technician.send('PATCH', entry, { minutes }));
    }
    if (ticket.done !== undefined) change(ticket.done, technician, { status });
  }
  for (const [i, { by, ago, text: body, internal }] of (ticket.comments ?? []).entries()) {
    const author = by === 'customer' ? (portalUser ?? dispatcher) : cast.callers.get(by)!;
    const said = by === 'customer' ? { body } : { body, visibility: internal ? 'internal' : 'public' };
    plan(ago, () => author.send('POST', `${path}/comments`, said, { key: `${key}-comment-${i}` }));
  }
  return planned
    .sort((a, b) => b.ago - a.ago)
    .map(({ ago, run }, i) => {
      // Seconds apart even where the minute is the same.
      const at = new Date(momentOf(ticket, ago, now).getTime() + i * 1_000);
      return { at, run: async () => void (await run(at)) };
    });
}
