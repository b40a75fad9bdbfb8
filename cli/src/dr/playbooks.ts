import type { Inventory } from '@psa/appliance/inventory/schema';
import { planFailover } from '@psa/recovery/dr/plan';
import { playbookOf } from '@psa/recovery/dr/playbook';
import { SCENARIO, SCENARIOS } from '@psa/recovery/dr/scenario';
import type { MeasuredStep } from '@psa/recovery/dr/step';

/** A playbook as a file. */
export interface Playbook {
  /** `cluster-lost.md` */
  readonly name: string;
  readonly text: string;
}

/** Stands for the moment at which the data were still right, as somebody has to write it. */
const MOMENT = new Date('2026-11-30T02:00:00Z');

/**
 * The playbook of each scenario, by the plans that `psactl dr failover` carries out. Copies stand as their kinds: on paper
 * nobody knows yet which will be the newest.
 * @param measured what steps of earlier failovers took, the newest first
 */
export function playbooksOf(
  { name, dr, sites, backup }: Inventory,
  measured: readonly MeasuredStep[] = [],
): readonly Playbook[] {
  const copy = (kind: string) => ({
    id: kind.toUpperCase(),
    at: new Date(0).toISOString(),
    bytes: 0,
    place: '',
  });
  return SCENARIOS.map((scenario) => {
    const plan = planFailover(scenario, {
      ...{ now: new Date(0), appliance: name, from: dr?.primary ?? sites[0]!.name, to: dr?.standby ?? null },
      ...{ named: null, by_log: true, container_bytes: null, life: [], fence: false, measured },
      before: scenario === 'data-corrupted' ? MOMENT : null,
      standby: dr?.kind === 'warm' ? { why_not: null, loss_ms: null } : null,
      copies: Object.fromEntries(
        ['database', 'secrets', 'releases', 'redis'].map((kind) => [kind, copy(kind)]),
      ),
      hooks: {
        ...{ fence: dr?.hooks?.fence !== undefined, switch: dr?.hooks?.switch !== undefined },
        notify: dr?.hooks?.notify !== undefined,
      },
    });
    const target = backup.targets[SCENARIO[scenario].target];
    return {
      name: `${scenario}.md`,
      text: playbookOf(plan, { appliance: name, contacts: dr?.contacts ?? [], target }),
    };
  });
}
