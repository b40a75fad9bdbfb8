import type { GuestValues } from '../cluster/guest-conf.ts';
import { failure } from '../errors.ts';
import type { Lab } from '../lab.ts';
import { runSpecOf } from './run-spec.ts';

/** Starts a container as its values say. One whose node loses its power meanwhile is not left running. */
export async function bootGuest(lab: Lab, node: string, vmid: number, values: GuestValues): Promise<void> {
  const spec = await runSpecOf(lab, node, vmid, values);
  requireOn(lab, node);
  await lab.runtime.start(spec);
  if (lab.membership.isOn(node)) return;
  await lab.runtime.killNode(node);
  requireOn(lab, node);
}

function requireOn(lab: Lab, node: string): void {
  if (!lab.membership.isOn(node)) throw failure(`node '${node}' has lost its power`);
}
