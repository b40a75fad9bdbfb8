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

/**
 * Takes away the locks of backups that ended with their node, before its containers start (PVE::API2::Nodes, startall). A
 * backup that runs already keeps its own: then none is taken away.
 */
export async function removeBackupLocks(lab: Lab, node: string, log: (line: string) => void): Promise<void> {
  const late = () => failure("can't lock file '/var/run/vzdump.lock' - got timeout");
  const remove = () => {
    for (const { vmid } of lab.guests.on(node)) {
      if (lab.guests.load(node, vmid).conf.values.lock !== 'backup') continue;
      lab.guests.update(node, vmid, ({ values }) => {
        delete values.lock;
      });
      log(`removed left over backup lock from '${vmid}'!`);
    }
  };
  await lab.locks.hold(`vzdump-${node}`, 10_000, late, remove).catch((error: Error) => log(error.message));
}

function requireOn(lab: Lab, node: string): void {
  if (!lab.membership.isOn(node)) throw failure(`node '${node}' has lost its power`);
}
