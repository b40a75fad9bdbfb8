import { randomBytes } from 'node:crypto';

/**
 * What follows the id in the name of an artefact. `vzdump`, `pgbackrest`: the archive
 * is on a storage of the cluster or in the repository of the database, no file here.
 */
const SUFFIX = {
  embedded: 'tar.zst.age',
  container: 'vzdump',
  database: 'sql.zst',
  pitr: 'pgbackrest',
  deploy: 'dump',
  redis: 'rdb.zst.age',
  rabbitmq: 'json.zst.age',
  configs: 'tar.zst.age',
  releases: 'tar',
  secrets: 'tar.zst.age',
} as const;

/** `embedded`: the platform in one process. `deploy`: the database before a migration. The others: parts of a site. */
export type ArtefactKind = keyof typeof SUFFIX;

/** Every kind. */
export const ARTEFACT_KINDS = Object.keys(SUFFIX) as readonly ArtefactKind[];

/** What the name of an artefact says. */
export interface ArtefactName {
  /** `database-20261130T020000Z-3f9a2c` */
  readonly id: string;
  readonly kind: ArtefactKind;
  /** What may stand for one another: `database`, `container-300`. */
  readonly series: string;
  /** The run that it is of: `20261130T020000Z-3f9a2c`. */
  readonly run: string;
}

const ID = new RegExp(`^((${ARTEFACT_KINDS.join('|')})(?:-\\d{3,9})?)-(\\d{8}T\\d{6}Z-[0-9a-f]{6})$`);

/** A new run's name: its moment, and what tells it from another of the same second. */
export const newRun = (at: Date): string =>
  `${at.toISOString().replace(/[-:]|\.\d+/g, '')}-${randomBytes(3).toString('hex')}`;

/** `container-300-<run>`, `database-<run>` */
export const artefactId = (kind: ArtefactKind, run: string, container?: number): string =>
  [kind, ...(container === undefined ? [] : [container]), run].join('-');

/** Whether a text names a run. */
export const isRun = (text: string): boolean => /^\d{8}T\d{6}Z-[0-9a-f]{6}$/.test(text);

/** What an id says; null: it is none. */
export function parseArtefactId(id: string): ArtefactName | null {
  const [, series, kind, run] = ID.exec(id) ?? [];
  return series && kind && run ? { id, kind: kind as ArtefactKind, series, run } : null;
}

/** The file of an artefact. */
export const artefactFile = (id: string): string => {
  const name = parseArtefactId(id);
  if (!name) throw new TypeError(`"${id}" is no id of a backup`);
  return `${id}.${SUFFIX[name.kind]}`;
};

/** What a file's name says, without its folder; null: it is no artefact's. */
export function parseArtefactFile(file: string): ArtefactName | null {
  const name = parseArtefactId(file.split('.')[0]!);
  return name && artefactFile(name.id) === file ? name : null;
}

/** Whether an artefact is encrypted. */
export const isSealed = (kind: ArtefactKind): boolean => SUFFIX[kind].endsWith('.age');
