import { failure } from '../../errors.ts';
import { type HaState, type Service, settled, verboseState } from '../../ha/state.ts';
import { agentStatus, agentWatchdog, masterStatus } from '../../ha/status.ts';
import { anyone, needs, type RequestContext, type Route } from '../route.ts';

const mayRead = needs('/', ['Sys.Audit']);
const mayWrite = needs('/', ['Sys.Console']);

/** What the HA manager says of itself, its nodes and its guests; and groups, which are no more. */
export const HA_STATUS_ROUTES: readonly Route[] = [
  {
    method: 'GET',
    path: '/cluster/ha',
    permission: mayRead,
    handler: () => [{ id: 'status' }, { id: 'resources' }, { id: 'groups' }, { id: 'rules' }],
  },
  {
    method: 'GET',
    path: '/cluster/ha/status',
    permission: anyone,
    handler: () => [
      ...[{ name: 'current' }, { name: 'manager_status' }, { name: 'disarm-ha' }, { name: 'arm-ha' }],
    ],
  },
  { method: 'GET', path: '/cluster/ha/status/current', permission: mayRead, handler: current },
  {
    method: 'GET',
    path: '/cluster/ha/status/manager_status',
    permission: mayRead,
    handler: managerStatus,
  },
  {
    ...{ method: 'POST', path: '/cluster/ha/status/disarm-ha', permission: mayWrite },
    handler: ({ lab, entry }, params) =>
      lab.ha.edit(entry, '', ({ commands }) => {
        commands.push({ kind: 'disarm', mode: params.need('resource-mode') as 'freeze' | 'ignore' });
      }),
  },
  {
    ...{ method: 'POST', path: '/cluster/ha/status/arm-ha', permission: mayWrite },
    handler: ({ lab, entry }) =>
      lab.ha.edit(entry, '', ({ commands }) => {
        commands.push({ kind: 'arm' });
      }),
  },
  ...[
    ['GET', '', 'index', mayRead] as const,
    ['POST', '', 'create', mayWrite] as const,
    ['GET', '/{group}', 'read', mayRead] as const,
    ['PUT', '/{group}', 'update', mayWrite] as const,
    ['DELETE', '/{group}', 'delete', mayWrite] as const,
  ].map(
    ([method, path, verb, permission]): Route => ({
      ...{ method, path: `/cluster/ha/groups${path}`, permission },
      handler: () => {
        throw failure(
          `cannot ${verb} group${verb === 'index' ? 's' : ''}: ha groups have been migrated to rules`,
        );
      },
    }),
  ),
];

function current(context: RequestContext): unknown {
  const { lab, node } = context;
  const state = lab.ha.read();
  const view = { now: lab.ha.now(), quorate: lab.membership.isQuorate(node) };
  const awake = state.master !== null && masterStatus(state, view) === 'active';
  const services = [
    ...new Set([...Object.keys(state.services).sort(), ...Object.keys(state.resources).sort()]),
  ];
  return [
    {
      ...{ id: 'quorum', type: 'quorum', node, quorate: view.quorate ? 1 : 0 },
      status: view.quorate ? 'OK' : `No quorum on node '${node}'!`,
    },
    ...(state.master === null
      ? []
      : [
          {
            ...{
              id: 'master',
              type: 'master',
              node: state.master,
              timestamp: wall(context, state.timestamp),
            },
            status: `${state.master} (${masterStatus(state, view)}, ${perlTime(wall(context, state.timestamp))})${disarmed(state)}`,
          },
        ]),
    { ...{ id: 'fencing', type: 'fencing', node: state.master ?? node }, ...fencing(state, awake) },
    ...(state.master === null ? [] : Object.keys(state.nodes)).sort().map((name) => {
      const entry = { id: `lrm:${name}`, type: 'lrm', node: name };
      const agent = state.agents[name];
      if (!agent) return { ...entry, status: `${name} (unable to read lrm status)` };
      const timestamp = wall(context, agent.timestamp);
      const words = `${agentStatus(state, name, view)}, watchdog ${agentWatchdog(state, name, view)}`;
      return { ...entry, timestamp, status: `${name} (${words}, ${perlTime(timestamp)})` };
    }),
    ...services.map((sid) => serviceEntry(context, sid)),
  ];
}

const disarmed = ({ disarm }: HaState): string =>
  disarm ? ` - ${disarm.state}, resource mode: ${disarm.mode}` : '';

/** Whether nodes are fenced, and what the manager's watchdog does. */
function fencing({ disarm }: HaState, awake: boolean): Record<string, string> {
  if (!disarm) {
    const armed = awake ? 'armed' : 'standby';
    return { 'armed-state': armed, status: `${armed} (CRM watchdog ${awake ? 'active' : 'standby'})` };
  }
  const watchdog = disarm.state === 'disarmed' ? 'released' : 'active';
  return {
    ...{ 'armed-state': disarm.state, resource_mode: disarm.mode },
    status: `${disarm.state}, resource mode: ${disarm.mode} (CRM watchdog ${watchdog})`,
  };
}

function serviceEntry({ lab }: RequestContext, sid: string): unknown {
  const { services, resources, disarm } = lab.ha.read();
  const service = services[sid];
  const resource = resources[sid];
  const home = lab.guests.nodeOf(Number(sid.slice(3)));
  const node = service?.node ?? home;
  const state = disarm?.mode === 'ignore' ? 'ignore' : verboseState(service, resource, home !== null);
  const conf = settled(resource);
  return {
    ...{ id: `service:${sid}`, type: 'service', sid, state, status: `${sid} (${node ?? '---'}, ${state})` },
    ...(node === null && !resource ? {} : { node }),
    ...(service ? { crm_state: service.state } : {}),
    ...(resource
      ? {
          request_state: conf.state,
          max_restart: conf.maxRestart,
          max_relocate: conf.maxRelocate,
          failback: conf.failback ? 1 : 0,
          ...(resource.comment ? { comment: resource.comment } : {}),
        }
      : {}),
  };
}

function managerStatus(context: RequestContext): unknown {
  const { lab, node } = context;
  const state = lab.ha.read();
  return {
    manager_status:
      state.master === null
        ? {}
        : {
            ...{ master_node: state.master, timestamp: wall(context, state.timestamp) },
            ...(state.disarm ? { disarm: state.disarm } : {}),
            node_status: state.nodes,
            service_status: Object.fromEntries(
              Object.entries(state.services).map(([sid, service]) => [sid, serviceStatus(service)]),
            ),
          },
    quorum: { node, quorate: lab.membership.isQuorate(node) ? '1' : '' },
    ...(state.master === null ? {} : { lrm_status: agents(context) }),
  };
}

function serviceStatus({ state, node, uid, ...more }: Service): unknown {
  const { target, running, failedNodes, command, timeout, maintenanceNode } = more;
  return {
    ...{ state, node, uid },
    ...(target === undefined ? {} : { target }),
    ...(running ? { running: 1 } : {}),
    ...(failedNodes ? { failed_nodes: failedNodes } : {}),
    ...(timeout === undefined ? {} : { timeout }),
    ...(maintenanceNode === undefined ? {} : { maintenance_node: maintenanceNode }),
    ...(command
      ? { cmd: [command.kind, command.kind === 'stop' ? String(command.timeout) : command.target] }
      : {}),
  };
}

function agents(context: RequestContext): Record<string, unknown> {
  const { nodes, agents } = context.lab.ha.read();
  return Object.fromEntries(
    Object.keys(nodes)
      .sort()
      .map((name) => {
        const agent = agents[name];
        if (!agent) return [name, { mode: 'unknown' }];
        const results = Object.entries(agent.results).map(([uid, { sid, state, exitCode }]) => [
          uid,
          { sid, state, exit_code: exitCode },
        ]);
        return [
          name,
          {
            ...{ state: agent.state, mode: agent.mode, timestamp: wall(context, agent.timestamp) },
            results: Object.fromEntries(results),
          },
        ];
      }),
  );
}

/** Seconds since 1970 of a moment in the manager's time. */
const wall = ({ lab }: RequestContext, time: number): number =>
  Math.floor(Date.now() / 1000 - (lab.ha.now() - time) * lab.timeFactor);

/** `Sat Nov 21 10:05:20 2026`, as Perl prints times. */
function perlTime(seconds: number): string {
  const date = new Date(seconds * 1000);
  const two = (value: number) => String(value).padStart(2, '0');
  const day = date.toLocaleDateString('en-US', { weekday: 'short' });
  const month = date.toLocaleDateString('en-US', { month: 'short' });
  const time = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':');
  return `${day} ${month} ${String(date.getDate()).padStart(2)} ${time} ${date.getFullYear()}`;
}
