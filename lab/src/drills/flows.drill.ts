import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { flowProbe, probeFindings } from '../network/flow-probe.ts';
import { keep, type Rig } from './rig.test-helper.ts';

/** Network namespaces of the lab's containers, by name: of the process that is 1 inside and has its host name. */
async function namespaces(rig: Rig): Promise<Readonly<Record<string, string>>> {
  const names = new Set(rig.containers.map((one) => one.name));
  const found: Record<string, string> = {};
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      if (!/^NSpid:\t\d+\t1$/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))) continue;
      const name = readFileSync(`/proc/${pid}/root/etc/hostname`, 'utf8').trim();
      const group = readFileSync(`/proc/${pid}/cgroup`, 'utf8');
      if (names.has(name) && group.includes(rig.labName)) found[name] = `/proc/${pid}/ns/net`;
    } catch {
      // It has ended.
    }
  }
  return found;
}

/** Tries the flows between the containers themselves. */
export function flows(rig: () => Rig): void {
  it('connects what the inventory allows, and nothing of a sample that it does not', async () => {
    const { inventory, site, labName } = rig();
    const containers = await namespaces(rig());
    expect(Object.keys(containers).sort()).toEqual(
      rig()
        .containers.map((one) => one.name)
        .sort(),
    );
    const results = await flowProbe({ ...{ inventory, site, containers, lab: labName }, forbidden: 60 });
    keep(
      'flows',
      results.map(({ from, to, protocol, port, expected, found }) => [
        from.name,
        to,
        protocol,
        port,
        expected,
        found,
      ]),
    );
    expect(probeFindings(results)).toEqual([]);
    expect(results.filter((one) => one.expected === 'open').length).toBeGreaterThanOrEqual(
      inventory.flows.length,
    );
  });
}
