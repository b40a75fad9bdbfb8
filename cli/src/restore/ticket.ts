import { setTimeout as sleep } from 'node:timers/promises';
import { isIdle } from '@psa/recovery/rows/decide';
import type { PutBack } from '@psa/recovery/rows/put-back';
import type { Session } from '@psa/recovery/rows/session';
import { literal } from '@psa/recovery/rows/shape';
import { missingFiles, putFiles, type TakenFile, takeFiles } from '@psa/recovery/rows/taken-files';
import {
  type GonePerson,
  putTicket,
  type SeenTicket,
  standingTicket,
  type TakenTicket,
  type TicketWish,
  takeTicket,
} from '@psa/recovery/rows/ticket';
import { CliError, usage } from '../errors.ts';
import type { Progress } from '../progress.ts';
import type { Live, RowsSource } from './rows-world.ts';

/** What a restore of a ticket will do. */
export interface TicketPlan extends PutBack {
  readonly backup: string;
  /** When it was taken, or the moment. */
  readonly at: string;
  readonly ticket: SeenTicket;
  /** How it stands now: `there`, `deleted` (marked so), or `gone` (its row is not there any more). */
  readonly stands: 'there' | 'deleted' | 'gone';
  readonly gone: readonly GonePerson[];
  /** Files on the disk that are not there any more; those in the database stand in `tables`. */
  readonly files: number;
  /** There is nothing to put back. */
  readonly idle: boolean;
  readonly overwrite: boolean;
}

/** What came of it. */
export interface TicketRestored extends TicketPlan {
  /** Its service has put right what follows: counters, clocks, search, events. False: it does when it runs. */
  readonly settled: boolean;
}

/** Everything that is known when the plan stands. */
export interface ReadyTicket {
  readonly taken: TakenTicket;
  readonly ticket: SeenTicket;
  readonly files: readonly TakenFile[];
}

/** The id of a ticket, a tenant or a file. */
export const IS_ID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

/** @throws CliError when it is neither a number nor an id */
export function ticketWish(text: string, tenant: string | undefined): TicketWish {
  const number = /^#?([1-9]\d{0,8})$/.exec(text)?.[1];
  if (number === undefined && !IS_ID.test(text))
    throw usage(`Unable to understand the ticket "${text}".`, 'Give its number, such as 1042, or its id.');
  if (tenant !== undefined && !IS_ID.test(tenant))
    throw usage(`Unable to understand --tenant "${tenant}".`, 'Give the id of a tenant.');
  return {
    number: number === undefined ? null : Number(number),
    id: number === undefined ? text.toLowerCase() : null,
    tenant: tenant?.toLowerCase() ?? null,
  };
}

/**
 * Takes the ticket out of the backup, and tries what putting it back would do, which is undone.
 * @throws CliError naming what is in the way
 */
export async function planTicket(
  { backup, at, database, open, files }: RowsSource,
  live: Live,
  wish: TicketWish,
  overwrite: boolean,
  progress: Progress,
): Promise<{ plan: TicketPlan; ready: ReadyTicket }> {
  progress.start('Look for the ticket');
  return live(async (session, liveFiles) => {
    const taken = await takeTicket(session, open, database, wish);
    const ticket = theOne(taken, wish, backup);
    const what = `ticket ${ticket.number}`;
    const { state, number_taken_by, is_known } = await standingTicket(session, ticket);
    if (!is_known)
      throw new CliError(`Unable to restore ${what}: the release that runs does not take tickets back.`, {
        fix: 'Deploy the one of this psactl first, or look at the backup beside: psactl restore database … --as look_here',
      });
    if (number_taken_by !== null)
      throw new CliError(`Unable to restore ${what}: another ticket has its number now.`, {
        why: `It is ${number_taken_by}.`,
      });
    const onDisk =
      files === null
        ? []
        : await takeFiles(
            files,
            taken.taken.map(({ rows }) => rows),
          );
    const missing = liveFiles === null ? [] : await missingFiles(liveFiles, onDisk);
    const options = { overwrite, keep: false, backup, wasGone: state === 'gone' };
    const { tables, lost, gone } = await putTicket(session, taken, ticket, options);
    const plan: TicketPlan = {
      ...{ backup, at, ticket, stands: state, tables, lost, gone, files: missing.length, overwrite },
      idle: isIdle(tables) && missing.length === 0,
    };
    return { plan, ready: { taken, ticket, files: onDisk } };
  });
}

/** The ticket that is meant. @throws CliError when there is none, several, or it was deleted then */
export function theOne({ seen }: TakenTicket, wish: TicketWish, backup: string): SeenTicket {
  const name = wish.number ?? wish.id;
  const [ticket, ...others] = seen;
  if (!ticket)
    throw new CliError(`Unable to find the ticket ${name} in ${backup}.`, {
      outcome: 'not_found',
      fix: 'Take another backup with --from (psactl backup list), or a later moment with --to.',
    });
  if (others.length > 0)
    throw usage(
      `Unable to tell which ticket ${name} is meant: several tenants have one.`,
      `Name one with --tenant: ${seen.map(({ tenant_id, title }) => `${tenant_id} ("${title}")`).join(', ')}.`,
    );
  if (ticket.deleted)
    throw new CliError(`Unable to restore ticket ${ticket.number} from ${backup}: it was deleted already.`, {
      fix: 'Take an older one with --from (psactl backup list), or an earlier moment with --to.',
    });
  return ticket;
}

/** How long a service that runs takes to notice what came back. */
const SETTLE_MS = 15_000;

/** Puts it back, all of it or nothing; then waits a little for its service to have seen to the rest. */
export async function restoreTicket(
  session: Session,
  liveFiles: Parameters<typeof putFiles>[0] | null,
  plan: TicketPlan,
  { taken, ticket, files }: ReadyTicket,
  progress: Progress,
): Promise<TicketRestored> {
  progress.start(`Put ticket ${ticket.number} back`);
  // As it stands now: somebody may have been at it since the plan.
  const { state, number_taken_by } = await standingTicket(session, ticket);
  if (number_taken_by !== null)
    throw new CliError(`Unable to restore ticket ${ticket.number}: another ticket has its number now.`);
  const missing = liveFiles === null ? [] : await missingFiles(liveFiles, files);
  if (liveFiles !== null) await putFiles(liveFiles, missing);
  const options = { overwrite: plan.overwrite, keep: true, backup: plan.backup, wasGone: state === 'gone' };
  const put = await putTicket(session, taken, ticket, options);
  const settled = await isSettled(session, ticket);
  const idle = isIdle(put.tables) && missing.length === 0;
  return { ...plan, ...put, stands: state, files: missing.length, idle, settled };
}

async function isSettled(session: Session, { tenant_id, id }: SeenTicket): Promise<boolean> {
  const note = `select 1 from tickets.timers where tenant_id = ${literal(tenant_id)} and kind = 'came_back' and key = ${literal(id)}`;
  for (const end = performance.now() + SETTLE_MS; performance.now() < end; await sleep(300))
    if ((await session.rows(note)).length === 0) return true;
  return false;
}
