import { ArtefactError } from '../artefact.ts';
import { decideRows, type RowVerdict } from './decide.ts';
import type { Session } from './session.ts';
import { type Family, literal, type Relation, roleOfTable, type Shape } from './shape.ts';
import type { Taken } from './take.ts';

/** What rows name and is gone. */
export interface LostReference {
  readonly table: string;
  readonly columns: readonly string[];
  readonly parent: string;
  readonly rows: number;
  /** `without`: they come back without it; `left`: they cannot be without it, and stay out. */
  readonly done: 'without' | 'left';
}

/** What to put back. */
export interface PutWish {
  /** The root first, then what hangs on it, in the order in which they can be put. */
  readonly taken: readonly { readonly rows: Taken; readonly shape: Shape }[];
  readonly family: Family;
  /**
   * The tenant that all rows are of: they are put as the service of the table puts them, under its row security, so that
   * none can get to another one. Null: of several; each keeps the one that it has.
   */
  readonly tenant: string | null;
  readonly overwrite: boolean;
  /** What cannot be without what it names: `refuse` all of it, or `leave` those rows out. */
  readonly onLost: 'refuse' | 'leave';
  /** Columns of the root: what they hold in rows that are put back or changed is in `psa_touched` afterwards, each once. */
  readonly touched?: readonly string[];
}

/** What was, or would be, put back. */
export interface PutBack {
  readonly tables: readonly RowVerdict[];
  readonly lost: readonly LostReference[];
}

interface Back {
  /** The temporary table with the rows of the backup. */
  readonly name: string;
  readonly shape: Shape;
  /** Columns that both have. */
  readonly columns: readonly string[];
}

/**
 * Puts rows of a backup beside what stands now, compares, and puts back what is missing; in the transaction that the session
 * stands in, whose end says whether it counts.
 * @throws ArtefactError when a row cannot be without what it names
 */
export async function putBack(session: Session, wish: PutWish): Promise<PutBack> {
  const { taken, tenant, overwrite } = wish;
  const backs: Back[] = [];
  for (const { rows, shape } of taken)
    backs.push(await lay(session, rows, shape, backs.length, tenant !== null));
  if (tenant !== null) await session.exec(`select set_config('psa.tenant_id', ${literal(tenant)}, true)`);
  const lost: LostReference[] = [];
  for (const back of backs) lost.push(...(await mend(session, back, backs, wish)));
  const tables: RowVerdict[] = [];
  for (const back of backs) {
    await act(session, back, tenant);
    const facts = await compare(session, back, backs[0]!, wish);
    const verdict = decideRows(facts, overwrite, back.shape.isChangeable);
    tables.push(verdict);
    if (wish.touched && back === backs[0])
      await noteTouched(session, back, wish.touched, verdict.overwritten > 0);
    await put(session, back, verdict);
  }
  await session.exec('reset role');
  return { tables, lost };
}

/** As the service whose table it is, where one tenant's rows are put. */
async function act(session: Session, { shape }: Back, tenant: string | null): Promise<void> {
  if (tenant !== null) await session.exec(`set local role ${roleOfTable(shape.table)}`);
}

/** The name of the temporary table with the rows of the n-th table. */
export const backName = (n: number): string => `psa_back_${n}`;

async function lay(session: Session, rows: Taken, shape: Shape, n: number, isShared: boolean): Promise<Back> {
  const name = backName(n);
  const columns = rows.columns.filter((one) => shape.columns.includes(one));
  await session.exec('reset role');
  await session.exec(
    `create temporary table ${name} on commit drop as select ${columns.join(', ')} from ${shape.table} with no data`,
  );
  // Columns that went with a release since: read, and left out.
  for (const old of rows.columns.filter((one) => !columns.includes(one)))
    await session.exec(`alter table ${name} add column ${old} text`);
  await session.load(name, rows.columns, rows.spool.read());
  await session.exec(`analyze ${name}`);
  if (isShared) await session.exec(`grant select, update, delete on ${name} to public`);
  return { name, shape, columns };
}

const same = (a: string, ofA: readonly string[], b: string, ofB: readonly string[]) =>
  ofA.map((column, n) => `${a}.${column} = ${b}.${ofB[n]}`).join(' and ');

/** What the rows name must be there, or come with them. */
async function mend(
  session: Session,
  back: Back,
  backs: readonly Back[],
  { family, tenant, onLost }: PutWish,
): Promise<LostReference[]> {
  const { name, shape } = back;
  const found: LostReference[] = [];
  const named = [...family.inside, ...family.outside].filter(
    ({ child, columns }) => child === shape.table && columns.every((one) => back.columns.includes(one)),
  );
  for (const { columns, parent, parentColumns } of named) {
    const coming = backs.find((one) => one.shape.table === parent);
    const isLost = [
      ...columns.map((one) => `b.${one} is not null`),
      `not exists (select from ${parent} p where ${same('p', parentColumns, 'b', columns)})`,
      ...(coming
        ? [`not exists (select from ${coming.name} p where ${same('p', parentColumns, 'b', columns)})`]
        : []),
    ].join(' and ');
    await act(session, back, tenant);
    const [counted] = await session.rows(`select count(*) from ${name} b where ${isLost}`);
    const rows = Number(counted![0]);
    if (rows === 0) continue;
    const free = columns.filter((one) => shape.nullable.has(one));
    if (free.length === 0 && onLost === 'refuse')
      throw new ArtefactError(
        `Unable to put rows back into ${shape.table}: what ${rows} of them name in ${parent} (${columns.join(', ')}) is gone, and they cannot be without it.`,
      );
    await session.exec(
      free.length > 0
        ? `update ${name} b set ${free.map((one) => `${one} = null`).join(', ')} where ${isLost}`
        : `delete from ${name} b where ${isLost}`,
    );
    found.push({ table: shape.table, columns, parent, rows, done: free.length > 0 ? 'without' : 'left' });
  }
  return found;
}

const isRemoved = ({ columns }: Back) =>
  columns.includes('deleted_at') ? '(b.deleted_at is null and l.deleted_at is not null)' : 'false';
/** What is in them: that a version has gone on is no other content. */
const differs = ({ columns }: Back) => {
  const [b, l] = ['b', 'l'].map((of) =>
    columns.filter((one) => one !== 'version').map((one) => `${of}.${one}`),
  );
  return `row(${b!.join(', ')}) is distinct from row(${l!.join(', ')})`;
};

async function compare(session: Session, back: Back, root: Back, { family, tenant }: PutWish) {
  const { name, shape } = back;
  const { table, key } = shape;
  const isSame = same('l', key, 'b', key);
  const here = `l.${key[0]} is not null`;
  const [counts] = await session.rows(
    [
      'select count(*), count(*) filter (where not here), count(*) filter (where here and removed),',
      'count(*) filter (where here and not removed and differs) from',
      `(select ${here} as here, ${isRemoved(back)} as removed, ${differs(back)} as differs`,
      `from ${name} b left join ${table} l on ${isSame}) as compared`,
    ].join(' '),
  );
  const [in_backup, missing, removed, other] = counts!.map(Number) as [number, number, number, number];
  const only_here = await countOnlyHere(session, back, root, family, tenant);
  return {
    ...{ table, in_backup, missing, removed, differs: other, only_here },
    same: in_backup - missing - removed - other,
  };
}

/** Of a single root's rows those that hang on it directly; of a whole table all. */
async function countOnlyHere(
  session: Session,
  { name, shape }: Back,
  root: Back,
  family: Family,
  tenant: string | null,
): Promise<number> {
  const { table, key } = shape;
  const isNew = `not exists (select from ${name} b where ${same('l', key, 'b', key)})`;
  const ofRoot = ({ child, parent }: Relation) => child === table && parent === root.shape.table;
  const relation = family.inside.find(ofRoot);
  if (tenant !== null && !relation) return 0;
  const belongs = relation
    ? `exists (select from ${root.name} r where ${same('l', relation.columns, 'r', relation.parentColumns)}) and `
    : '';
  const [counted] = await session.rows(`select count(*) from ${table} l where ${belongs}${isNew}`);
  return Number(counted![0]);
}

async function noteTouched(
  session: Session,
  back: Back,
  touched: readonly string[],
  isOver: boolean,
): Promise<void> {
  const { name, shape } = back;
  const { table, key } = shape;
  const changed = [`l.${key[0]} is null`, isRemoved(back), ...(isOver ? [differs(back)] : [])].join(' or ');
  await session.exec(
    `create temporary table psa_touched on commit drop as select distinct ${touched.map((one) => `b.${one}`).join(', ')} from ${name} b left join ${table} l on ${same('l', key, 'b', key)} where ${changed}`,
  );
}

async function put(session: Session, back: Back, verdict: RowVerdict): Promise<void> {
  const { name, shape, columns } = back;
  const { table, key } = shape;
  const isSame = same('l', key, 'b', key);
  const list = columns.join(', ');
  // Changed rows first: what is put back then is not looked at again.
  if (verdict.overwritten > 0) {
    const set = columns
      .filter((one) => !key.includes(one) && !shape.numbered.has(one) && one !== 'version')
      .map((one) => `${one} = b.${one}`);
    // Who has the row open has read a newer one: versions never go back.
    if (columns.includes('version')) set.push('version = greatest(l.version, b.version) + 1');
    await session.exec(
      `update ${table} l set ${set.join(', ')} from ${name} b where ${isSame} and (${isRemoved(back)} or ${differs(back)})`,
    );
  }
  if (verdict.revived > 0) {
    const next = columns.includes('version') ? ', version = l.version + 1' : '';
    await session.exec(
      `update ${table} l set deleted_at = null${next} from ${name} b where ${isSame} and ${isRemoved(back)}`,
    );
  }
  if (verdict.put_back > 0)
    await session.exec(
      `insert into ${table} (${list}) overriding system value select ${list} from ${name} b where not exists (select from ${table} l where ${isSame})`,
    );
}
