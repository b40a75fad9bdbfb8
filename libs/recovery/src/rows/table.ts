import { ArtefactError } from '../artefact.ts';
import { quoteName } from '../dump-text.ts';
import { isIdle } from './decide.ts';
import { backName, type PutBack, putBack } from './put-back.ts';
import { inTransaction, type Session } from './session.ts';
import { type Family, familyOf, literal, type Shape, shapeOf } from './shape.ts';
import { type ReadDump, type Taken, takeRows } from './take.ts';
import { TICKETS } from './ticket.ts';

/** What services have under way: put back it would be done twice. */
const UNDER_WAY = /\.(?:outbox|inbox|timers|idempotency)$/;

/** A table of a backup, and the one that stands now. */
export interface TakenTable {
  readonly rows: Taken;
  readonly shape: Shape;
  readonly family: Family;
}

/**
 * Takes all rows of a table.
 * @param name `tickets.comments` @param isBeside it goes beside, where rows of every table may go
 * @throws ArtefactError when there is none of that name, or its rows cannot be told from each other
 */
export async function takeTable(
  session: Session,
  open: ReadDump,
  database: string,
  name: string,
  isBeside: boolean,
): Promise<TakenTable> {
  const refuse = (why: string) => new ArtefactError(`Unable to restore the table ${name}: ${why}.`);
  if (!/^[a-z_][\w$]*\.[a-z_][\w$]*$/i.test(name))
    throw refuse('that is no name of one, such as tickets.comments');
  const shape = await shapeOf(session, name);
  if (!shape) throw refuse('the database has none of that name');
  if (shape.isParted) {
    const parts = await session.rows(
      `select relid::regclass::text from pg_partition_tree(${literal(name)}) where isleaf order by 1`,
    );
    throw refuse(`it stands in parts; name one of them (${parts.map(([part]) => part).join(', ')})`);
  }
  if (!isBeside && (UNDER_WAY.test(name) || name.startsWith('psa.')))
    throw refuse('what is in it is under way, and would be done twice; look at it beside, with --as');
  if (!isBeside && shape.key.length === 0)
    throw refuse(
      'it has no primary key, so that its rows cannot be told apart; restore it beside, with --as',
    );
  const family = await familyOf(session, name, true);
  const [rows] = await takeRows(open, { database, root: name, which: null, relations: [] });
  return { rows: rows!, shape, family };
}

/** Puts the rows of a table back that are missing. @param keep false: only compares, and says what would become of them */
export async function putTable(
  session: Session,
  { rows, shape, family }: TakenTable,
  options: { readonly overwrite: boolean; readonly keep: boolean; readonly backup: string },
): Promise<PutBack & { readonly told: number }> {
  const { overwrite, keep, backup } = options;
  const names = ticketColumns(shape.table, family);
  return inTransaction(session, keep, async () => {
    const put = await putBack(session, {
      ...{ taken: [{ rows, shape }], family, tenant: null, overwrite, onLost: 'leave' },
      ...(names && { touched: names }),
    });
    if (!names || isIdle(put.tables)) return { ...put, told: 0 };
    // Of what belongs to tickets their service sees to the rest, and tells the others.
    const [tenant, ticket] = names;
    const told = literal(JSON.stringify({ backup }));
    await session.exec(
      `do $$ declare one record; begin for one in select ${tenant} as tenant, ${ticket} as ticket from psa_touched order by 1 loop perform set_config('psa.tenant_id', one.tenant::text, true); perform tickets.came_back(one.ticket, ${told}::jsonb); end loop; end $$`,
    );
    const [count] = await session.rows('select count(*) from psa_touched');
    return { ...put, told: Number(count![0]) };
  });
}

/** Which columns of a table name the ticket that its rows belong to: its tenant, and its id; null: none do. */
function ticketColumns(table: string, { outside }: Family): readonly string[] | null {
  if (table === TICKETS) return ['tenant_id', 'id'];
  const relation = outside.find(({ child, parent }) => child === table && parent === TICKETS);
  return relation?.columns ?? null;
}

/**
 * Puts the rows of a table beside the one that stands, as a table of its own in the same schema, which no service may read.
 * @returns how many @throws ArtefactError when there is one of that name
 */
export async function putBeside(
  session: Session,
  { rows, shape }: TakenTable,
  as: string,
  keep: boolean,
): Promise<number> {
  const name = `${shape.table.split('.')[0]}.${quoteName(as)}`;
  return inTransaction(session, keep, async () => {
    const [there] = await session.rows(`select to_regclass(${literal(name)}) is not null`);
    if (there![0] === 't')
      throw new ArtefactError(`Unable to restore ${shape.table} as ${name}: there is one of that name.`);
    const back = backName(0);
    await session.exec(
      `create temporary table ${back} on commit drop as select * from ${shape.table} with no data`,
    );
    for (const old of rows.columns.filter((one) => !shape.columns.includes(one)))
      await session.exec(`alter table ${back} add column ${old} text`);
    await session.load(back, rows.columns, rows.spool.read());
    await session.exec(`create table ${name} as select ${rows.columns.join(', ')} from ${back}`);
    return rows.rows;
  });
}
