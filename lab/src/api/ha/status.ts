import { verboseState } from '../../ha/state.ts';
import { agentStatus, agentWatchdog, masterStatus } from '../../ha/status.ts';
import { failure } from '../errors.ts';
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
    handler: () => [{ name: 'current' }, { name: 'manager_status' }],
  },
  { method: 'GET', path: '/cluster/ha/status/current', permission: mayRead, handler: current },
  {
    method: 'GET',
    path: '/cluster/ha/status/manager_status',
    permission: mayRead,
    handler: managerStatus,
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
            status: `${state.master} (${masterStatus(state, view)}, ${perlTime(wall(context, state.timestamp))})`,
          },
        ]),
    {
      ...{ id: 'fencing', type: 'fencing', node: state.master ?? node },
      'armed-state': awake ? 'armed' : 'standby',
      status: awake ? 'armed (CRM watchdog active)' : 'standby (CRM watchdog standby)',
    },
    ...Object.keys(state.nodes)
      .sort()
      .map((name) => {
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

function serviceEntry({ lab }: RequestContext, sid: string): unknown {
  const { services, resources } = lab.ha.read();
  const service = services[sid];
  const resource = resources[sid];
  const node = service?.node ?? lab.guests.nodeOf(Number(sid.slice(3))) ?? '---';
  const state = verboseState(service, resource);
  return {
    ...{ id: `service:${sid}`, type: 'service', sid, node, state, status: `${sid} (${node}, ${state})` },
    ...(service ? { crm_state: service.state } : {}),
    ...(resource
      ? {
          request_state: resource.state,
          max_restart: resource.maxRestart,
          max_relocate: resource.maxRelocate,
          failback: resource.failback ? 1 : 0,
        }
      : {}),
  };
}

function managerStatus(context: RequestContext): unknown {
  const { lab, node } = context;
  const state = lab.ha.read();
  return {
    manager_status: {
      ...(state.master === null
        ? {}
        : { master_node: state.master, timestamp: wall(context, state.timestamp) }),
      node_status: state.nodes,
      service_status: Object.fromEntries(
        Object.entries(state.services).map(([sid, service]) => [
          sid,
          {
            ...{ state: service.state, node: service.node, uid: service.uid },
            ...(service.target === undefined ? {} : { target: service.target }),
            ...(service.running ? { running: 1 } : {}),
            ...(service.failedNodes ? { failed_nodes: service.failedNodes } : {}),
          },
        ]),
      ),
    },
    quorum: { node, quorate: lab.membership.isQuorate(node) ? 1 : 0 },
    lrm_status: Object.fromEntries(
      Object.entries(state.agents).map(([name, agent]) => [
        name,
        { ...agent, timestamp: wall(context, agent.timestamp) },
      ]),
    ),
  };
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
