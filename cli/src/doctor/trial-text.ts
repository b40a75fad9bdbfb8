import { ProxmoxError } from '@psa/proxmox/client/errors';
import { type Finding, failed } from './findings.ts';

/** What the trial does, in this order; each is what an apply does, too. */
export const TRIAL_STEPS = {
  upload: 'bring a template',
  create: 'make a container in the pool',
  tags: 'give it its tags',
  start: 'start it, with its network',
  exec: 'run a command in it by ssh',
  snapshot: 'make and remove a snapshot of it',
  backup: 'back it up',
  ha: 'put it under HA',
  remove: 'remove it',
} as const;
export type TrialStep = keyof typeof TRIAL_STEPS;

/** Where a trial took place. */
export interface TrialPlace {
  readonly id: number;
  readonly node: string;
  readonly storage: string;
  readonly templateStorage: string;
  readonly backupStorage: string | null;
  readonly bridge: string;
  readonly vlan: number;
  readonly pool: string;
}

/** What helps where a step was refused for another reason than a privilege. */
const ADVICE: Readonly<Record<TrialStep, (place: TrialPlace) => string>> = {
  upload: ({ node, templateStorage }) =>
    `Is ${templateStorage} active on ${node}, writable, and may it hold "vztmpl"?`,
  create: ({ node, storage }) => `Is ${storage} active on ${node}, with room, and may it hold "rootdir"?`,
  tags: () => 'Datacenter > Options > Tag Style: may this user set these tags?',
  start: ({ id, node, bridge, vlan }) =>
    `See the task on ${node}; by hand: pct start ${id} --debug. Does ${bridge} carry VLAN ${vlan}?`,
  exec: ({ node }) => `Does ssh to ${node} work, and pct there?`,
  snapshot: ({ storage }) => `Look at ${storage}: its kind can make snapshots.`,
  backup: ({ node, backupStorage }) => `Is ${backupStorage} active on ${node}, writable, and with room?`,
  ha: ({ node }) => `Does the HA manager run (systemctl status pve-ha-crm on ${node})?`,
  remove: ({ id, node }) =>
    `Run psactl doctor again, it removes what is left; by hand on ${node}: pct destroy ${id}`,
};

/** Why a step of the trial was refused, and what would let it through. */
export function refusalFinding(step: TrialStep, place: TrialPlace, error: unknown): Finding {
  const what = `trial: ${TRIAL_STEPS[step]}`;
  if (!(error instanceof ProxmoxError)) return failed(what, (error as Error).message, ADVICE[step](place));
  const { forbidden } = error;
  if (forbidden) {
    const privilege = forbidden.privileges.join(' or ');
    return forbidden.path === null
      ? failed(
          what,
          `the token may not${forbidden.detail === '' ? '' : ` (${forbidden.detail})`}`,
          `Does the pool ${place.pool} exist, and has the token its role there? The Ansible playbook "token" sees to both.`,
        )
      : failed(
          what,
          `the token has no ${privilege} on ${forbidden.path}`,
          `Give ${privilege} on ${grantedOn(forbidden.path, place)} to the token and to its user; the Ansible playbook "token" does.`,
        );
  }
  const said = (error.task?.exitStatus ?? error.reason ?? error.kind).trim();
  const log = error.task?.log.at(-1)?.replace(/^TASK ERROR: /, '');
  const more = log && !log.includes(said) && !said.includes(log) ? `; its log ends: ${log}` : '';
  return failed(what, `${said}${more}`, error.lock ? error.lock.hint : ADVICE[step](place));
}

/** Rights on a container come from its pool. */
const grantedOn = (path: string, { pool }: TrialPlace): string =>
  /^\/vms\/\d+$/.test(path) ? `/pool/${pool}` : path;

/**
 * The id for the trial: the given one, or the first within the range of the appliance's ids that is not to be one of
 * its own; beyond the range when it is full. Whether somebody has it already must be asked of the cluster.
 */
export function* trialIds(own: readonly number[], given?: number): Generator<number> {
  if (given !== undefined) {
    yield given;
    return;
  }
  const ids = new Set(own);
  const [first, last] = [Math.min(...own), Math.max(...own)];
  for (let id = last; id > first; id--) if (!ids.has(id)) yield id;
  for (let id = last + 1; id <= last + 100; id++) yield id;
}

/** What the trial writes into the notes of what it makes: whoever has it is a trial's, and may be removed. */
export const trialMarker = (appliance: string, site: string): string =>
  `psactl doctor: a trial of ${appliance} on ${site}; it may be removed`;
