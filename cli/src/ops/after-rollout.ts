import type { Progress } from '../progress.ts';
import type { Cluster } from '../site/cluster.ts';
import { readDeployed } from '../site/deployed.ts';
import { opsChange } from '../site/ops-mark.ts';
import { said } from '../site/run-rollout.ts';
import { carryAgain } from './carry.ts';

/** What became of psactl in the container that runs by the clock. */
export interface OpsCarried {
  readonly container: string;
  readonly release: string;
  /** Null: it is there. */
  readonly failed: string | null;
}

/**
 * Has what runs by the clock be of the releases that services run now; null where nothing is to be done. That it could not
 * be done does not make the rollout a bad one: it is told, and the next `psactl apply` has it in its plan.
 */
export async function carryAfterRollout(cluster: Cluster, progress: Progress): Promise<OpsCarried | null> {
  const { folder, containers } = cluster.site;
  const change = await opsChange(cluster, await readDeployed(folder.path));
  if (change === null) return null;
  const { container, release } = change;
  progress.start(`Put psactl ${release} into ${container}`);
  try {
    await carryAgain(cluster, containers.find(({ name }) => name === container)!);
    return { container, release, failed: null };
  } catch (error) {
    cluster.signal.throwIfAborted();
    return { container, release, failed: said(error) };
  }
}
