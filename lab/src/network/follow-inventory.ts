import { statSync } from 'node:fs';
import type { Inventory } from '@psa/appliance/inventory/schema';
import type { Site } from '@psa/appliance/inventory/site-schema';
import type { LabNetwork } from '../ports.ts';

/** What follows a file. */
export interface FollowOptions {
  readonly file: string;
  /** @throws when the file holds no inventory */
  readonly read: (file: string) => { readonly inventory: Inventory; readonly site: Site };
  readonly network: Pick<LabNetwork, 'up'>;
  readonly say: (line: string) => void;
}

/**
 * Applies flows and names of the inventory whenever its file changes, as the firewall of a real cluster gets its new
 * rules by hand. A file that holds none changes nothing.
 * @returns what ends it
 */
export function followInventory({ file, read, network, say }: FollowOptions): () => void {
  const changed = async () => {
    try {
      const { inventory, site } = read(file);
      await network.up(inventory, site);
      say('the inventory has changed: flows and names are applied');
    } catch (error) {
      say(`the network stays as it was: ${(error as Error).message}`);
    }
  };
  // Looking again and again also sees an editor that puts a new file in the old one's place.
  let known = stampOf(file);
  const timer = setInterval(() => {
    const stamp = stampOf(file);
    if (stamp === known) return;
    known = stamp;
    void changed();
  }, 1_000);
  timer.unref();
  return () => clearInterval(timer);
}

/** What tells one content of a file from the next; empty while there is no file. */
function stampOf(file: string): string {
  const found = statSync(file, { throwIfNoEntry: false });
  return found ? `${found.ino} ${found.size} ${found.mtimeMs}` : '';
}
