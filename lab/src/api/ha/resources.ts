import { digestOf } from '../../cluster/cluster-files.ts';
import { failure } from '../../errors.ts';
import { forgetInRules } from '../../ha/rules.ts';
import { type HaState, type Resource, settled } from '../../ha/state.ts';
import type { Lab } from '../../lab.ts';
import type { RouteParams } from '../params.ts';
import { needs, type RequestContext, type Route } from '../route.ts';

const mayRead = needs('/', ['Sys.Audit']);
const mayWrite = needs('/', ['Sys.Console']);
const PATH = '/cluster/ha/resources';

/** Guests that HA manages: list, add, change, take out, move (PVE::API2::HA::Resources). */
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
  { method: 'POST', path: PATH, permission: mayWrite, handler: create },
  {
    method: 'GET',
    path: `${PATH}/{sid}`,
    permission: mayRead,
    handler: ({ lab }, params) => {
      const { sid } = sidOf(lab, params);
      const { resources } = lab.ha.read();
      if (!resources[sid]) throw failure(`no such resource '${sid}'`);
      return entryOf(resources, sid);
    },
  },
  { method: 'PUT', path: `${PATH}/{sid}`, permission: mayWrite, handler: update },
  {
    method: 'DELETE',
    path: `${PATH}/{sid}`,
    permission: mayWrite,
    handler: ({ lab, node }, params) => {
      const { sid } = sidOf(lab, params);
      if (!lab.ha.read().resources[sid]) throw failure(`cannot delete service '${sid}', not HA managed!`);
      lab.ha.edit(node, 'delete resource failed', (state) => {
        delete state.resources[sid];
        if (params.flag('purge', true)) forgetInRules(state, sid);
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

function create({ lab, node }: RequestContext, params: RouteParams): void {
  lab.membership.requireQuorum(node);
  const { sid, type, name } = sidOf(lab, params);
  if (params.has('group')) throw failure("invalid parameter 'group': ha groups have been migrated to rules");
  requireGuest(lab, type, name);
  const wanted = given(params);
  lab.ha.edit(node, 'create resource failed', (state) => {
    if (state.resources[sid]) throw failure(`resource ID '${sid}' already defined`);
    state.resources[sid] = wanted;
  });
}

function update({ lab, node }: RequestContext, params: RouteParams): void {
  const { sid } = sidOf(lab, params);
  if (params.text('group')) throw failure("invalid parameter 'group': ha groups have been migrated to rules");
  requireNoError(lab.ha.read(), sid, params.text('state'));
  lab.ha.edit(node, 'update resources config failed', (state) => {
    const known = params.text('digest');
    if (known !== null && known !== '' && known !== digestOfResources(state.resources))
      throw failure('detected modified configuration - file changed by other user? Try again.');
    const resource = state.resources[sid];
    if (!resource) throw failure(`no such resource '${sid}'`);
    Object.assign(resource, given(params));
    for (const key of params.list('delete')) forget(resource, key);
  });
}

function move({ lab, node }: RequestContext, params: RouteParams, kind: 'migrate' | 'relocate'): unknown {
  const { sid, name } = sidOf(lab, params);
  const target = params.need('node');
  const state = lab.ha.read();
  if (!state.resources[sid] || state.resources[sid].state === 'ignored')
    throw failure(`resource '${sid}' is not HA managed`);
  requireNoError(state, sid, null);
  // The wish is written down in either case; the manager will not do what is in another's way.
  lab.ha.request(node, Number(name), { kind, target });
  const motion = lab.ha.motion(sid);
  const blocking = motion.blocking(target);
  return {
    ...{ sid, 'requested-node': target },
    ...(motion.comigrated.length > 0 ? { 'comigrated-resources': motion.comigrated } : {}),
    ...(blocking.length > 0
      ? { 'blocking-resources': blocking.map((one) => ({ sid: one, cause: 'resource-affinity' })) }
      : {}),
  };
}

/** `ct:101` of `ct:101` or `101`. @throws as PVE::HA::Config, parse_sid does */
function sidOf(lab: Lab, params: RouteParams): { sid: string; type: string; name: string } {
  const text = params.need('sid');
  const isBare = /^\d+$/.test(text);
  if (isBare && lab.guests.nodeOf(Number(text)) === null)
    throw failure(`unable to detect SID from VMID - VM/CT ${text} does not exist`);
  const sid = isBare ? `ct:${text}` : text;
  const [, type = '', name = ''] = /^(\S+):(\S+)$/.exec(sid) ?? [];
  if (name === '') throw failure(`unable to parse service id '${sid}'`);
  const wanted = params.text('type');
  if (wanted !== null && wanted !== type) throw failure('types does not match');
  return { sid, type, name };
}

function requireGuest(lab: Lab, type: string, name: string): void {
  if (type !== 'ct' && type !== 'vm') throw failure(`unknown section type '${type}'`);
  if (!/^[1-9][0-9]+$/.test(name)) throw failure('invalid VMID');
  if (lab.guests.nodeOf(Number(name)) === null)
    throw failure(`resource '${type}:${name}' does not exist in cluster`);
  if (type === 'vm') throw failure(`resource 'vm:${name}' - guest with ID ${name} is not a VM`);
}

/** @throws while the guest is in state error, from which only `disabled` leads out */
function requireNoError(state: Readonly<HaState>, sid: string, asked: string | null): void {
  const isManaged = state.resources[sid] && settled(state.resources[sid]).state !== 'ignored';
  if (isManaged && state.services[sid]?.state === 'error' && asked !== 'disabled')
    throw failure(`service '${sid}' in error state, must be disabled and fixed first`);
}

function given(params: RouteParams): Resource {
  const state = params.text('state');
  const comment = params.text('comment');
  const maxRestart = params.number('max_restart');
  const maxRelocate = params.number('max_relocate');
  if (comment !== null && /[\n\r]/.test(comment)) throw failure('property contains a line feed');
  return {
    ...(state === null ? {} : { state: state as NonNullable<Resource['state']> }),
    ...(maxRestart === null ? {} : { maxRestart }),
    ...(maxRelocate === null ? {} : { maxRelocate }),
    ...(params.has('failback') ? { failback: params.flag('failback') } : {}),
    ...(comment === null ? {} : { comment }),
  };
}

const FIELDS: Readonly<Record<string, keyof Resource | null>> = {
  ...{ comment: 'comment', max_restart: 'maxRestart', max_relocate: 'maxRelocate' },
  ...{ failback: 'failback', state: 'state', group: null },
};

function forget(resource: Resource, key: string): void {
  if (!Object.hasOwn(FIELDS, key)) throw failure(`no such option '${key}'`);
  const field = FIELDS[key];
  if (field) delete resource[field];
}

/** The digest of all resources. */
const digestOfResources = (resources: HaState['resources']): string => digestOf(JSON.stringify(resources));

/** What was given, without any default. */
function entryOf(resources: HaState['resources'], sid: string) {
  const { state, maxRestart, maxRelocate, failback, comment } = resources[sid]!;
  return {
    ...{ sid, type: 'ct', digest: digestOfResources(resources) },
    ...(state === undefined ? {} : { state }),
    ...(maxRestart === undefined ? {} : { max_restart: maxRestart }),
    ...(maxRelocate === undefined ? {} : { max_relocate: maxRelocate }),
    ...(failback === undefined ? {} : { failback: failback ? 1 : 0 }),
    ...(comment === undefined || comment === '' ? {} : { comment }),
  };
}
