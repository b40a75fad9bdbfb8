import { digestOf } from '../../cluster/cluster-files.ts';
import type { HaState, RequestedState, Resource } from '../../ha/state.ts';
import { badParameter, failure } from '../errors.ts';
import type { RouteParams } from '../params.ts';
import { needs, type RequestContext, type Route } from '../route.ts';

const mayRead = needs('/', ['Sys.Audit']);
const mayWrite = needs('/', ['Sys.Console']);
const PATH = '/cluster/ha/resources';

/** Guests that HA manages: list, add, change, take out, move. */
export const HA_RESOURCE_ROUTES: readonly Route[] = [
  {
    method: 'GET',
    path: PATH,
    permission: mayRead,
    handler: ({ lab }, params) => {
      const { resources } = lab.ha.read();
      const wanted = params.text('type');
      return Object.keys(resources)
        .sort()
        .filter((sid) => wanted === null || sid.startsWith(`${wanted}:`))
        .map((sid) => entryOf(resources, sid));
    },
  },
  {
    method: 'POST',
    path: PATH,
    permission: mayWrite,
    handler: ({ lab, node }, params) => {
      const sid = sidOf(params);
      refuseGroup(params);
      lab.ha.edit(node, 'create resource failed', (state) => {
        if (lab.guests.nodeOf(Number(sid.slice(3))) === null)
          throw failure(`resource '${sid}' does not exist in cluster`);
        if (state.resources[sid]) throw failure(`resource ID '${sid}' already defined`);
        state.resources[sid] = {
          ...{ state: 'started', maxRestart: 1, maxRelocate: 1, failback: true },
          ...given(params),
        };
      });
    },
  },
  {
    method: 'GET',
    path: `${PATH}/{sid}`,
    permission: mayRead,
    handler: ({ lab }, params) => {
      const sid = sidOf(params);
      const { resources } = lab.ha.read();
      if (!resources[sid]) throw failure(`no such resource '${sid}'`);
      return entryOf(resources, sid);
    },
  },
  {
    method: 'PUT',
    path: `${PATH}/{sid}`,
    permission: mayWrite,
    handler: ({ lab, node }, params) => {
      const sid = sidOf(params);
      refuseGroup(params);
      requireNoError(lab.ha.read(), sid, params.text('state'));
      lab.ha.edit(node, 'update resource failed', (state) => {
        const known = params.text('digest');
        if (known !== null && known !== digestOfResources(state.resources))
          throw failure('detected modified configuration - file changed by other user? Try again.');
        const resource = state.resources[sid];
        if (!resource) throw failure(`no such resource '${sid}'`);
        Object.assign(resource, given(params));
        for (const key of params.list('delete')) forget(resource, key);
      });
    },
  },
  {
    method: 'DELETE',
    path: `${PATH}/{sid}`,
    permission: mayWrite,
    handler: ({ lab, node }, params) => {
      const sid = sidOf(params);
      lab.ha.edit(node, 'delete resource failed', (state) => {
        if (!state.resources[sid]) throw failure(`cannot delete service '${sid}', not HA managed!`);
        delete state.resources[sid];
        if (!params.flag('purge', true)) return;
        for (const [id, rule] of Object.entries(state.rules)) {
          rule.resources = rule.resources.filter((one) => one !== sid);
          if (rule.resources.length === 0) delete state.rules[id];
        }
      });
    },
  },
  ...(['migrate', 'relocate'] as const).map(
    (kind): Route => ({
      method: 'POST',
      path: `${PATH}/{sid}/${kind}`,
      permission: mayWrite,
      handler: (context, params) => move(context, params, kind),
    }),
  ),
];

function move({ lab, node }: RequestContext, params: RouteParams, kind: 'migrate' | 'relocate'): unknown {
  const sid = sidOf(params);
  const target = params.need('node');
  const state = lab.ha.read();
  if (!state.resources[sid]) throw failure(`no such resource '${sid}'`);
  if (!lab.membership.has(target)) throw failure(`no such cluster node '${target}'`);
  requireNoError(state, sid, null);
  const blocking = Object.values(state.rules)
    .filter((rule) => rule.type === 'resource-affinity' && rule.affinity === 'negative' && !rule.disable)
    .filter((rule) => rule.resources.includes(sid))
    .flatMap((rule) => rule.resources)
    // One that has just arrived there counts, though the manager has not thought about it yet.
    .filter((other) => other !== sid)
    .filter(
      (other) =>
        state.services[other]?.node === target || lab.guests.nodeOf(Number(other.slice(3))) === target,
    );
  if (blocking.length > 0)
    return {
      ...{ sid, 'requested-node': target },
      'blocking-resources': [...new Set(blocking)].map((one) => ({ sid: one, cause: 'resource-affinity' })),
    };
  lab.ha.request(node, Number(sid.slice(3)), { kind, target });
  return { sid, 'requested-node': target };
}

/** `ct:101` of `ct:101` or `101`. */
export function sidOf(params: RouteParams): string {
  const text = params.need('sid');
  const sid = /^\d+$/.test(text) ? `ct:${text}` : text;
  const type = params.text('type');
  if (type !== null && !sid.startsWith(`${type}:`)) throw failure('types does not match');
  if (!/^ct:\d+$/.test(sid)) throw failure(`resource '${sid}' does not exist in cluster`);
  return sid;
}

/** @throws while the guest is in state error, from which only `disabled` leads out */
function requireNoError(state: Readonly<HaState>, sid: string, asked: string | null): void {
  if (state.services[sid]?.state === 'error' && asked !== 'disabled')
    throw failure(`service '${sid}' in error state, must be disabled and fixed first`);
}

function refuseGroup(params: RouteParams): void {
  if (params.has('group'))
    throw badParameter({ group: 'invalid parameter - ha groups have been migrated to rules' });
}

function given(params: RouteParams): Partial<Resource> {
  const state = params.text('state');
  const comment = params.text('comment');
  const maxRestart = params.number('max_restart');
  const maxRelocate = params.number('max_relocate');
  return {
    // The old word for it.
    ...(state === null ? {} : { state: (state === 'enabled' ? 'started' : state) as RequestedState }),
    ...(maxRestart === null ? {} : { maxRestart }),
    ...(maxRelocate === null ? {} : { maxRelocate }),
    ...(params.has('failback') ? { failback: params.flag('failback') } : {}),
    ...(comment === null ? {} : { comment }),
  };
}

function forget(resource: Resource, key: string): void {
  if (key === 'comment') delete resource.comment;
  else if (key === 'max_restart') resource.maxRestart = 1;
  else if (key === 'max_relocate') resource.maxRelocate = 1;
  else if (key === 'failback') resource.failback = true;
  else if (key === 'state') resource.state = 'started';
  else throw failure(`no such option '${key}'`);
}

/** The digest of all resources. */
function digestOfResources(resources: HaState['resources']): string {
  return digestOf(JSON.stringify(resources));
}

function entryOf(resources: HaState['resources'], sid: string) {
  const { state, maxRestart, maxRelocate, failback, comment } = resources[sid]!;
  return {
    ...{ sid, type: 'ct', state, max_restart: maxRestart, max_relocate: maxRelocate },
    ...{ failback: failback ? 1 : 0, digest: digestOfResources(resources) },
    ...(comment === undefined ? {} : { comment }),
  };
}
