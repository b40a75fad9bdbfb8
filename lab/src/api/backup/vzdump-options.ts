import { badParameter, failure } from '../../errors.ts';
import type { Lab } from '../../lab.ts';
import type { RouteParams } from '../params.ts';
import type { RequestContext } from '../route.ts';
import { parseKeep, printKeep } from './prune.ts';

/** Options of a backup as PVE::VZDump checks them: those of a request, or those that a job has then. */
export interface Options {
  has(key: string): boolean;
  text(key: string): string | null;
}

/** Options that only root itself may set, not even with a token. */
const ROOT_ONLY = ['tmpdir', 'dumpdir', 'script', 'job-id'] as const;
/** Options that need rights on the whole cluster. */
const ADMIN_ONLY = ['bwlimit', 'ionice', 'performance'] as const;

/** Perl's idea of something that is set: neither empty nor zero. */
const isSet = (options: Options, key: string): boolean => !['', '0', null].includes(options.text(key));

/** The storage that a backup goes to; null: a folder of the node. */
export const storageOf = (options: Options): string | null =>
  isSet(options, 'dumpdir') ? null : (options.text('storage') ?? 'local');

/** Who may set which option, of a backup and of a job (assert_param_permission_common). @throws 400, 403 */
export function checkOptions(context: RequestContext, options: Options, isDelete = false): void {
  if (context.caller.id === 'root@pam') return;
  for (const option of ROOT_ONLY)
    if (options.has(option)) throw badParameter({ [option]: 'Only root may set this option.' });
  if (ADMIN_ONLY.some((option) => options.has(option))) context.check('/', ['Sys.Modify']);
  if (isDelete) return;
  const storage = /(?:^|,)storage=([^,]+)/.exec(options.text('fleecing') ?? '')?.[1];
  if (storage !== undefined) context.check(`/storage/${storage}`, ['Datastore.AllocateSpace']);
}

/** Who may set how long backups are kept, or a job that does. @throws 403 */
export function checkStorageOwner(context: RequestContext, options: Options): void {
  const storage = storageOf(options);
  if (storage !== null) context.check(`/storage/${storage}`, ['Datastore.Allocate']);
}

/** Whether options choose all guests: said, or meant by exceptions. */
export const choosesAll = (options: Options): boolean =>
  isSet(options, 'all') || (options.has('exclude') && !isSet(options, 'pool'));

/** Choices that exclude each other, notes that nobody can fill in (verify_vzdump_parameters). @throws 400 */
export function verifyOptions(options: Options, isNeeded: boolean): void {
  for (const option of ['all', 'exclude', 'pool'])
    if (isSet(options, option) && isSet(options, 'vmid'))
      throw badParameter({ [option]: "option conflicts with option 'vmid'" });
  const fault = notesFault(options.text('notes-template') ?? '');
  if (fault !== null) throw badParameter({ 'notes-template': fault });
  const isChosen = choosesAll(options) || ['stop', 'pool', 'vmid'].some((key) => isSet(options, key));
  if (isNeeded && !isChosen) throw badParameter({ vmid: 'property is missing' });
}

function notesFault(template: string): string | null {
  if (template.includes('\n')) return 'contains a line feed\n';
  const unknown = [
    ...[...template.matchAll(/\\(.)/g)]
      .filter(([, char]) => !/^[n\\]$/.test(char!))
      .map((found) => `escape sequence '\\${found[1]}' at char ${found.index}`),
    ...[...template.matchAll(/\{\{([^\s{}]+)\}\}/g)]
      .filter(([, word]) => !/^(cluster|guestname|node|vmid)$/.test(word!))
      .map((found) => `variable '${found[1]}' at char ${found.index + 4}`),
  ];
  return unknown.length === 0 ? null : `found unknown: ${unknown.join(', ')}\n`;
}

const ids = (text: string | null): readonly number[] =>
  (text ?? '')
    .split(/[,;\s\0]+/)
    .filter((one) => one !== '')
    .map(Number);

/** The guests of the whole cluster that options choose, by id. Unknown ids are in it, too. @throws 500 for no pool */
export function selectedGuests(lab: Lab, options: Options): readonly number[] {
  const known = lab.guests.all().map((guest) => guest.vmid);
  const inOrder = (list: readonly number[]) => [...new Set(list)].sort((a, b) => a - b);
  if (isSet(options, 'pool')) {
    const pool = options.text('pool')!;
    const record = lab.access.read().pools[pool];
    if (!record) throw failure(`pool '${pool}' does not exist`);
    return inOrder(record.vms.filter((vmid) => known.includes(vmid)));
  }
  if (isSet(options, 'vmid')) return inOrder(ids(options.text('vmid')));
  if (!choosesAll(options)) return [];
  const excluded = new Set(ids(options.text('exclude')));
  return known.filter((vmid) => !excluded.has(vmid));
}

/** The command line that a job's log begins with. */
export function commandLine(params: RouteParams): string {
  const keep = parseKeep(params.text('prune-backups'));
  const given = {
    ...params.texts(),
    ...(choosesAll(params) ? { all: '1' } : {}),
    ...(keep?.all ? { 'prune-backups': printKeep(keep) } : {}),
  };
  const quoted = (value: string) =>
    /^[\w!%+,./:@^-]+$/.test(value) ? value : `'${value.replaceAll("'", "'\"'\"'")}'`;
  const options = Object.entries(given)
    .filter(([key, value]) => !['vmid', 'stdout', 'job-id', 'exclude-path'].includes(key) && value !== '')
    .map(([key, value]) => `--${key} ${quoted(value)}`);
  const paths = params.values('exclude-path').map((path) => `--exclude-path ${quoted(path)}`);
  return ['vzdump', ...params.list('vmid'), ...options, ...paths].join(' ');
}
