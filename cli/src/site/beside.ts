import type { Container } from '@psa/appliance/inventory/expand';
import { rotationOf } from '@psa/appliance/parts/haproxy-stats';
import { CliError } from '../errors.ts';
import type { Cluster } from './cluster.ts';
import { HaproxyControl } from './haproxy-control.ts';

/** How long others are waited for that do not serve: they may have been started a moment ago. */
const BESIDE_MS = 60_000;

type Named = Pick<Container, 'name' | 'group'>;

/**
 * Answers when enough others serve, so that a replica may be taken out; says whom it waits for.
 * @param taken the replica, or replicas one after the other
 * @param wanted whether all of the others must serve, or one of them
 * @throws CliError naming those that do not serve
 */
export async function othersServe(
  cluster: Cluster,
  taken: string,
  others: readonly Named[],
  wanted: 'all' | 'one',
  note: (text: string) => void,
): Promise<void> {
  if (others.length === 0) return;
  const haproxy = new HaproxyControl(cluster);
  let silent: readonly Named[] = [];
  let isTold = false;
  const missing = async () => {
    const views = (await haproxy.views()).filter((view) => view !== null);
    silent = others.filter(({ group, name }) => rotationOf(views, group, name) !== 'serving');
    const isEnough = wanted === 'all' ? silent.length === 0 : silent.length < others.length;
    if (isEnough) return null;
    const names = silent.map(({ name }) => name).join(', ');
    if (!isTold) note(`${taken}: waits until ${wanted === 'all' ? names : `one of ${names}`} serves`);
    isTold = true;
    return names;
  };
  try {
    await cluster.until(taken, BESIDE_MS, missing);
  } catch (cause) {
    if (!(cause instanceof CliError) || silent.length === 0) throw cause;
    throw new CliError(`Unable to take ${taken} out of rotation: nobody might serve then.`, {
      why: `${silent.map(({ name }) => name).join(', ')} ${silent.length === 1 ? 'does' : 'do'} not serve, as HAProxy sees it.`,
      fix: '"psactl status" says why. When it serves again, "psactl apply" goes on.',
      cause,
    });
  }
}
