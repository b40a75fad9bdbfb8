/** A server of a backend as one HAProxy sees it. */
export interface ServerState {
  readonly backend: string;
  readonly server: string;
  /** psactl (or somebody at the socket) took it out of rotation. */
  readonly drained: boolean;
  /** Its health checks pass. */
  readonly up: boolean;
  /** Requests and connections that it serves now. */
  readonly sessions: number;
  /** HAProxy's own words: `UP`, `DRAIN`, `DOWN 1/2`. */
  readonly status: string;
  /** What the last check found, as in `L7STS/503`. */
  readonly check: string;
}

/** Bits of `srv_admin_state`: maintenance and drain as asked for at the socket. */
const FORCED_MAINTENANCE = 0x01;
const FORCED_DRAIN = 0x08;

/** Reads what HAProxy answers to `show servers state; show stat`. */
export function parseServers(text: string): readonly ServerState[] {
  const admin = new Map<string, number>();
  const states: ServerState[] = [];
  let columns: readonly string[] = [];
  let isStat = false;
  for (const line of text.split('\n')) {
    if (line.startsWith('# ')) {
      isStat = line.startsWith('# pxname');
      columns = line.slice(2).split(isStat ? ',' : ' ');
    } else if (line.trim() !== '' && columns.length > 0) {
      const values = line.split(isStat ? ',' : ' ');
      const of = (name: string) => values[columns.indexOf(name)] ?? '';
      if (!isStat) {
        admin.set(`${of('be_name')}/${of('srv_name')}`, Number(of('srv_admin_state')));
        continue;
      }
      const [backend, server] = [of('pxname'), of('svname')];
      const bits = admin.get(`${backend}/${server}`);
      // Frontends, backends and listeners stand in the same table.
      if (bits === undefined) continue;
      states.push({
        ...{ backend, server },
        drained: (bits & (FORCED_MAINTENANCE | FORCED_DRAIN)) !== 0,
        up: /^(UP|no check|DRAIN)/.test(of('status')),
        sessions: Number(of('scur')),
        status: of('status'),
        check: [of('check_status').replace(/^\* /, ''), of('check_code')].filter(Boolean).join('/'),
      });
    }
  }
  return states;
}

/** How all HAProxies together see a replica; a HAProxy that does not know it gives it no requests. */
export function rotationOf(
  views: readonly (readonly ServerState[])[],
  backend: string,
  server: string,
): 'serving' | 'drained' | 'out' {
  const seen = views.map((view) => view.find((one) => one.backend === backend && one.server === server));
  if (seen.some((one) => one?.drained)) return 'drained';
  return seen.length > 0 && seen.every((one) => one?.up) ? 'serving' : 'out';
}

/** Ids of the edges whose HAProxy says nothing: it does not run, or its site must not serve and it will not start. */
export const silentEdges = (
  answers: readonly { readonly container: { readonly id: number }; readonly text: string }[],
): ReadonlySet<number> =>
  new Set(answers.flatMap(({ container, text }) => (parseServers(text).length === 0 ? [container.id] : [])));
