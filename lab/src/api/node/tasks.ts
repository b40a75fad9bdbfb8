import { parseUpid } from '@psa/proxmox/upid';
import { badParameter, denied, failure } from '../../errors.ts';
import type { TaskRecord } from '../../tasks/task-manager.ts';
import type { RouteParams } from '../params.ts';
import { anyone, type RequestContext, type Route } from '../route.ts';

const ONE = '/nodes/{node}/tasks/{upid}';

/** A user owns what its tokens did; a token what it did itself. */
const isOwn = ({ caller }: RequestContext, owner: string): boolean =>
  owner === caller.id || owner.split('!')[0] === caller.id;

const ownerOf = (record: TaskRecord): string =>
  record.tokenid === undefined ? record.user : `${record.user}!${record.tokenid}`;

/** Whether the caller may see a task: its own, or all of the node. */
const maySee = (context: RequestContext, record: TaskRecord): boolean =>
  isOwn(context, ownerOf(record)) || context.may(`/nodes/${record.node}`, ['Sys.Audit']);

function find(context: RequestContext, params: RouteParams): TaskRecord {
  const upid = params.need('upid');
  const parsed = parseUpid(upid);
  if (!parsed) throw badParameter({ upid: 'unable to parse worker upid' });
  const record = parsed.node === context.node ? context.lab.tasks.record(upid) : null;
  if (!record) throw badParameter({ upid: 'no such task' });
  if (!maySee(context, record)) throw denied(`/nodes/${context.node}, Sys.Audit`);
  return record;
}

function status(context: RequestContext, params: RouteParams): unknown {
  const { endtime: _, status: exitstatus, ...record } = find(context, params);
  return exitstatus === undefined
    ? { ...record, status: 'running' }
    : { ...record, status: 'stopped', exitstatus };
}

function log(context: RequestContext, params: RouteParams): unknown {
  const upid = params.need('upid');
  const parsed = parseUpid(upid);
  if (!parsed) throw badParameter({ upid: 'unable to parse worker upid' });
  const owner = parsed.user;
  if (!isOwn(context, owner)) context.check(`/nodes/${context.node}`, ['Sys.Audit']);
  if (params.flag('download') && (params.has('start') || params.has('limit')))
    throw failure("'download' cannot be used together with 'start' or 'limit' parameters");
  const lines = parsed.node === context.node ? context.lab.tasks.lines(upid) : null;
  if (lines === null) {
    context.total = 1;
    return [{ n: 1, t: 'unable to open file - No such file or directory' }];
  }
  const start = params.number('start') ?? 0;
  const limit = params.number('limit') ?? 50;
  context.total = lines.length;
  const cut = lines.slice(start, limit === 0 ? undefined : start + limit);
  if (cut.length === 0) return [{ n: start + 1, t: 'no content' }];
  return cut.map((t, index) => ({ n: start + index + 1, t }));
}

async function abort(context: RequestContext, params: RouteParams): Promise<null> {
  const upid = params.need('upid');
  const parsed = parseUpid(upid);
  if (!parsed) throw badParameter({ upid: 'unable to parse worker upid' });
  const record = parsed.node === context.node ? context.lab.tasks.record(upid) : null;
  if (!record) throw badParameter({ upid: 'no such task' });
  if (!isOwn(context, ownerOf(record))) context.check(`/nodes/${context.node}`, ['Sys.Modify']);
  await context.lab.tasks.abort(record.upid);
  return null;
}

function list(context: RequestContext, params: RouteParams): unknown {
  const { lab, node } = context;
  const source = params.text('source') ?? 'archive';
  const vmid = params.text('vmid');
  const type = params.text('typefilter');
  const user = params.text('userfilter');
  const since = params.number('since') ?? 0;
  const until = params.number('until') ?? Number.POSITIVE_INFINITY;
  const wanted = params.list('statusfilter');
  const found = inOrder(lab.tasks.list(node)).filter((record) => {
    const isActive = record.status === undefined;
    return (
      (source === 'all' || (source === 'active') === isActive) &&
      maySee(context, record) &&
      (vmid === null || record.id === vmid) &&
      (type === null || record.type === type) &&
      (user === null || record.user.toLowerCase().includes(user.toLowerCase())) &&
      record.starttime >= since &&
      record.starttime <= until &&
      (params.flag('errors')
        ? kindOf(record.status) !== 'ok'
        : wanted.length === 0 || wanted.includes(kindOf(record.status)))
    );
  });
  const start = params.number('start') ?? 0;
  context.total = found.length;
  return found.slice(start, start + (params.number('limit') ?? 50)).map(listed);
}

/** Running ones first, then those that ended, the last one first; of one second the earlier begun one. */
function inOrder(records: readonly TaskRecord[]): readonly TaskRecord[] {
  const end = (one: TaskRecord) => one.endtime ?? Number.POSITIVE_INFINITY;
  return [...records].sort((a, b) =>
    end(a) === end(b) ? a.starttime - b.starttime || a.pstart - b.pstart : end(b) - end(a),
  );
}

const listed = (record: TaskRecord) =>
  record.status === undefined ? { ...record, status: 'RUNNING' } : record;

function kindOf(status: string | undefined): string {
  if (status === undefined || status === 'unexpected status') return 'unknown';
  return status === 'OK' ? 'ok' : status.startsWith('WARNINGS: ') ? 'warning' : 'error';
}

/** How many tasks of each node the cluster's list has. */
const RECENT = 25;

/** Running and recent tasks of all nodes that the asked one reaches. */
function recent(context: RequestContext): unknown {
  const { lab, entry } = context;
  return lab.membership
    .partition(entry)
    .flatMap((node) => {
      const all = lab.tasks.list(node);
      return [
        ...all.filter((one) => one.status === undefined),
        ...all.filter((one) => one.status !== undefined).slice(0, RECENT),
      ];
    })
    .filter((record) => maySee(context, record))
    .sort((a, b) => b.starttime - a.starttime)
    .map(({ pid: _, pstart: __, ...record }) =>
      record.status === undefined ? record : { ...record, saved: '1' },
    );
}

/** Tasks and their logs. */
export const TASK_ROUTES: readonly Route[] = [
  { method: 'GET', path: '/nodes/{node}/tasks', permission: anyone, handler: list },
  {
    method: 'GET',
    path: ONE,
    isLocal: true,
    permission: anyone,
    handler: () => [{ name: 'log' }, { name: 'status' }],
  },
  { method: 'GET', path: `${ONE}/status`, permission: anyone, handler: status },
  { method: 'GET', path: `${ONE}/log`, permission: anyone, handler: log },
  { method: 'DELETE', path: ONE, permission: anyone, handler: abort },
  { method: 'GET', path: '/cluster/tasks', permission: anyone, handler: recent },
];
