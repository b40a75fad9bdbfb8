import type { ExecResult } from '@psa/proxmox/ssh';
import { CliError } from '../errors.ts';

/** What a start needs of the world. */
export interface StartWorld {
  /** For people. */
  readonly name: string;
  status(): Promise<string>;
  /**
   * Has it started. `requested`: the HA manager will. @throws what Proxmox says when it does not start
   */
  start(): Promise<'started' | 'requested'>;
  /** What its init answers: null when units can be started, else what is wrong. */
  init(): Promise<string | null>;
  /** The last lines of its console and of LXC, in a start that is tried once more for them. */
  lastWords(): Promise<string>;
  pause(ms: number): Promise<void>;
  now(): number;
}

/** What an init is asked. */
export const ASK_INIT = ['systemctl', 'is-system-running'] as const;

/** What it answered: null when units can be started, else what is wrong. */
export function initTrouble({ code, stdout, stderr }: ExecResult): string | null {
  const state = stdout.trim();
  if (['running', 'degraded', 'starting', 'maintenance'].includes(state)) return null;
  return state || stderr.trim() || `systemctl ends with ${code}`;
}

/** How often a container is started before it is given up: a node that starts many at once fails one now and then. */
const ATTEMPTS = 3;
/** How long the HA manager may take. */
const REQUESTED_MS = 5 * 60_000;
const BOOT_MS = 120_000;
const LOOK_MS = 500;

/**
 * Starts a container and answers when its init does. A task that ended well is not believed: an init that dies a moment
 * later leaves a container that is stopped, and no task says so. So its state is looked at all the time.
 */
export async function startUp(world: StartWorld): Promise<void> {
  let why = '';
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    if (attempt > 1) await world.pause(2_000 * (attempt - 1));
    const begun = (await world.status()) === 'running' ? 'started' : await world.start();
    const until = world.now() + (begun === 'requested' ? REQUESTED_MS : 0) + BOOT_MS;
    let hasRun = begun === 'started';
    for (why = ''; ; ) {
      const status = await world.status();
      hasRun ||= status === 'running';
      if (status === 'running') {
        const wrong = await world.init();
        if (wrong === null) return;
        why = `its init does not answer: ${wrong}`;
      } else if (hasRun) {
        why = `it was started and is ${status} again`;
        break;
      } else why = `it is ${status}`;
      if (world.now() >= until) throw new CliError(`Unable to see ${world.name} run.`, { why: `${why}.` });
      await world.pause(LOOK_MS);
    }
  }
  const words = (await world.lastWords()).trim();
  throw new CliError(`Unable to start ${world.name}: it stops again by itself.`, {
    why: `${ATTEMPTS} times ${why}.${words === '' ? ' Its console says nothing.' : `\n${words}`}`,
    fix: 'Its init ends: look at the template (psactl template verify), its memory, and what was changed in it.',
  });
}
