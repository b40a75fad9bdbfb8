import { roomsGuard } from './lab-rooms.ts';

/** What every room of psactl may use. */
const BASE = ['errors', 'lock', 'command', 'progress', 'text'];

/**
 * Who may import whom inside psactl: a site and what may be done to it below, then what plans and carries out, then
 * the commands. What two of them need is the site's.
 */
const ROOMS: Readonly<Record<string, readonly string[]>> = {
  site: BASE,
  apply: [...BASE, 'site', 'ops'],
  deploy: [...BASE, 'site', 'ops'],
  doctor: [...BASE, 'site'],
  backup: [...BASE, 'recovery-error', 'site'],
  offsite: [...BASE, 'recovery-error', 'site', 'backup'],
  restore: [...BASE, 'recovery-error', 'site', 'apply', 'backup'],
  dr: [...BASE, 'recovery-error', 'site', 'apply', 'backup', 'offsite', 'restore'],
  drill: [...BASE, 'recovery-error', 'site', 'apply', 'backup', 'restore'],
  ops: [...BASE, 'site', 'backup'],
  watch: [...BASE, 'recovery-error', 'site', 'backup', 'offsite', 'drill'],
  status: [...BASE, 'site', 'backup', 'watch'],
};

export const cliRooms = roomsGuard('rooms of psactl import only what stands below them', 'cli/src', ROOMS, [
  { path: 'cli/src/apply/x.ts', text: ['import', "{ y } from '../deploy/y.ts';"].join(' ') },
]);
