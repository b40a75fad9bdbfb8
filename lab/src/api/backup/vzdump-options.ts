import { badParameter } from '../errors.ts';
import type { RouteParams } from '../params.ts';
import type { RequestContext } from '../route.ts';

/** Options that only root itself may set, not even with a token. */
const ROOT_ONLY = ['dumpdir', 'script', 'tmpdir'] as const;
/** Options that need rights on the whole cluster. */
const ADMIN_ONLY = ['bwlimit', 'ionice', 'performance'] as const;

/** What a backup is of: refuses choices that exclude each other, and none at all. @throws 400 */
export function checkSelection(params: RouteParams, isNeeded: boolean): void {
  const conflict = (option: string, other: string) =>
    badParameter({ [option]: `option conflicts with option '${other}'` });
  if (params.flag('all') && params.has('vmid')) throw conflict('all', 'vmid');
  if (params.has('exclude') && params.has('vmid')) throw conflict('exclude', 'vmid');
  if (params.has('pool') && params.has('vmid')) throw conflict('pool', 'vmid');
  if (
    isNeeded &&
    !['all', 'stop'].some((key) => params.flag(key)) &&
    !params.has('pool') &&
    !params.has('vmid')
  )
    throw badParameter({ vmid: 'property is missing' });
}

/** Who may set which option of a backup. @throws 400, 403 */
export function checkOptions(context: RequestContext, params: RouteParams): void {
  if (context.caller.id === 'root@pam') return;
  for (const option of ROOT_ONLY)
    if (params.has(option)) throw badParameter({ [option]: 'Only root may set this option.' });
  for (const option of ADMIN_ONLY) if (params.has(option)) context.check('/', ['Sys.Modify']);
}

/** The guests of the whole cluster that options choose, by id. Unknown ids are in it, too. */
export function selectedGuests({ lab }: RequestContext, params: RouteParams): readonly number[] {
  const named = params.list('vmid').map(Number);
  if (named.length > 0) return [...new Set(named)].sort((a, b) => a - b);
  const excluded = new Set(params.list('exclude').map(Number));
  const pool = params.text('pool');
  const members = pool === null ? null : (lab.access.read().pools[pool]?.vms ?? []);
  return lab.guests
    .all()
    .map((guest) => guest.vmid)
    .filter((vmid) => !excluded.has(vmid) && (members === null || members.includes(vmid)));
}

/** The command line that a job's log begins with. */
export function commandLine(params: RouteParams, vmids: readonly number[]): string {
  const options = Object.entries(params.texts())
    .filter(([key]) => key !== 'vmid')
    .map(([key, value]) => `--${key} ${/^[\w.,:/@-]+$/.test(value) ? value : `'${value}'`}`);
  return ['vzdump', ...vmids.map(String), ...options].join(' ');
}
