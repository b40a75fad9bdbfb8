import { expect, it } from 'vitest';
import { keep, type Rig } from './rig.test-helper.ts';

/** After all others: whatever psactl asked meanwhile, and whoever stood at the web interface. */
export function conformance(rig: () => Rig): void {
  it('was asked nothing that the schema of Proxmox VE does not know', async () => {
    const { conformance: report } = await rig().lab.status();
    keep('conformance', report);
    expect(report?.misfits).toEqual([]);
    const asked = Object.values(report!.fitting).reduce((sum, times) => sum + times, 0);
    expect(asked).toBe(report!.requests);
    expect(Object.keys(report!.fitting).length).toBeGreaterThan(20);
  });
}
