import type { Entry } from './command.ts';
import { entry } from './registry-entry.ts';

/** The commands of the lab. */
export const LAB_COMMANDS: readonly Entry[] = [
  entry(
    'lab up',
    'Makes a cluster of three nodes on this machine, or brings it up again',
    async () => (await import('./commands/lab/up.ts')).labUpCommand,
    'lab',
  ),
  entry(
    'lab down',
    'Ends the lab and removes all of it: containers, volumes, network',
    async () => (await import('./commands/lab/down.ts')).labDownCommand,
    'lab',
  ),
  entry(
    'lab status',
    "Shows the lab's nodes, their addresses and what is wrong with them on purpose",
    async () => (await import('./commands/lab/status.ts')).labStatus,
    'lab',
  ),
  entry(
    'lab kill-node',
    'Takes the power from a node',
    async () => (await import('./commands/lab/faults.ts')).labKillNode,
    'lab',
  ),
  entry(
    'lab start-node',
    'Switches a node on again',
    async () => (await import('./commands/lab/faults.ts')).labStartNode,
    'lab',
  ),
  entry(
    'lab partition',
    'Cuts a node off from the others and from the router',
    async () => (await import('./commands/lab/faults.ts')).labPartition,
    'lab',
  ),
  entry(
    'lab demo',
    'Puts the demo data into an appliance that has none: an MSP with customers, technicians and tickets',
    async () => (await import('./commands/lab/demo.ts')).labDemo,
    'site',
  ),
  entry(
    'lab heal',
    'Puts the cables back in',
    async () => (await import('./commands/lab/faults.ts')).labHeal,
    'lab',
  ),
  entry(
    'lab fill-disk',
    "Fills a node's storage",
    async () => (await import('./commands/lab/faults.ts')).labFillDisk,
    'lab',
  ),
];
