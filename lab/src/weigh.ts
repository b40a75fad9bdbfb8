import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Beside the machine's other programs all containers of a lab together weigh as much as one of them. What is drilled or
 * measured is an appliance that has machines to itself: here they weigh as much each.
 */
export function weigh(labName: string): void {
  const [folder, own] = ['/sys/fs/cgroup/cpu', join('/sys/fs/cgroup/cpu', labName)];
  // Where there is one hierarchy, LXC's own delegation says who weighs what.
  if (!existsSync(folder)) return;
  mkdirSync(own, { recursive: true });
  writeFileSync(join(own, 'cpu.shares'), String(25 * 1_024));
}
