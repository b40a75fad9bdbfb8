import { sidOf } from './desired.ts';
import type { Draft } from './plan.ts';
import { nameOf } from './plan-container.ts';

/** What the HA manager is to know: resources, then rules (PVE 9) or groups (PVE 8). */
export function planHa(draft: Draft): void {
  const { desired, observed, steps, places } = draft;
  const byGroups = observed.release < 9;
  for (const container of desired.containers) {
    const place = places.get(container.id);
    if (!place) continue;
    const key = `ct:${container.id}`;
    const found = observed.ha.resources.find(({ sid }) => sid === sidOf(container.id));
    const common = { target: nameOf(container), node: null, container: container.id };
    if (container.ha === 'none') {
      if (!found) continue;
      // The HA manager would start, stop and move it by itself meanwhile.
      const rest = steps.of(container.id);
      const reason = 'managed by HA → started at boot only';
      const unmanage = steps.add('unmanage', key, { ...common, reason });
      for (const id of rest) steps.hold(id, [unmanage]);
      continue;
    }
    // A container that is made anew loses its place in HA with its predecessor.
    const isKept = found !== undefined && !place.isFresh;
    const group = desired.haGroups.find(({ sid }) => sid === sidOf(container.id));
    const reasons = [
      ...(isKept ? [] : ['not managed by HA → managed']),
      ...(isKept && found.state !== 'started' ? [`HA state ${found.state} → started`] : []),
      ...(isKept && byGroups && found.group !== (group?.name ?? null)
        ? [`HA group ${found.group ?? 'none'} → ${group?.name}`]
        : []),
    ];
    if (byGroups && group) planGroup(draft, group);
    if (reasons.length > 0)
      steps.add('manage', key, {
        ...{ ...common, reason: reasons.join(', ') },
        after: [...steps.of(container.id), `group:${group?.name}`],
      });
  }
  if (!byGroups) planRules(draft);
}

function planGroup({ observed, steps, problems }: Draft, group: Draft['desired']['haGroups'][number]): void {
  const found = observed.ha.groups.find(({ name }) => name === group.name);
  const target = `HA group ${group.name}`;
  if (found && found.comment !== group.comment) {
    problems.push({
      target,
      message: `There is an HA group "${group.name}" that psactl did not make.`,
      fix: 'Rename that group, or give the appliance another name. psactl does not touch it.',
    });
    return;
  }
  if (found && sorted(found.nodes) === sorted(group.nodes)) return;
  steps.add('group', group.name, { target, reason: `nodes ${found?.nodes ?? 'none'} → ${group.nodes}` });
}

const sorted = (list: string) => list.split(',').sort().join(',');

function planRules({ desired, observed, steps, problems, places }: Draft): void {
  for (const rule of desired.rules) {
    // A rule takes only what HA manages, and what could not be made now is not managed.
    const resources = rule.resources.filter(
      (sid) => places.has(Number(sid.slice(3))) || observed.ha.resources.some((one) => one.sid === sid),
    );
    if (resources.length < (rule.type === 'resource-affinity' ? 2 : 1)) continue;
    const target = `HA rule ${rule.name}`;
    const found = observed.ha.rules.find(({ name }) => name === rule.name);
    if (found && found.comment !== rule.comment) {
      problems.push({
        target,
        message: `There is an HA rule "${rule.name}" that psactl did not make.`,
        fix: 'Rename that rule, or give the appliance another name. psactl does not touch it.',
      });
      continue;
    }
    const remade = resources.filter((sid) => places.get(Number(sid.slice(3)))?.isFresh);
    const reasons = ruleReasons(rule, resources, remade, found);
    if (reasons.length > 0)
      steps.add('rule', rule.name, {
        ...{ target, reason: reasons.join(', ') },
        after: resources.map((sid) => `manage:${sid}`),
      });
  }
  for (const { name, comment } of observed.ha.rules) {
    const isOurs = comment === ownCommentOf(desired);
    if (isOurs && !desired.rules.some((rule) => rule.name === name))
      steps.add('remove', `rule:${name}`, {
        target: `HA rule ${name}`,
        reason: 'no longer wanted → removed',
      });
  }
}

const ownCommentOf = ({ appliance, site }: Draft['desired']) => `psactl: appliance=${appliance} site=${site}`;

function ruleReasons(
  rule: Draft['desired']['rules'][number],
  resources: readonly string[],
  remade: readonly string[],
  found: Draft['observed']['ha']['rules'][number] | undefined,
): string[] {
  const meaning =
    rule.type === 'resource-affinity'
      ? `${resources.join(', ')} on different nodes`
      : `${resources.join(', ')} on ${rule.nodes.join(', ')}`;
  if (!found) return [`no rule → ${meaning}`];
  // Proxmox takes a resource out of its rules when it goes.
  const kept = found.resources.filter((sid) => !remade.includes(sid));
  return [
    ...(sorted(kept.join(',')) === sorted(resources.join(','))
      ? []
      : [`resources ${found.resources.join(', ') || 'none'} → ${resources.join(', ')}`]),
    ...(found.type === rule.type ? [] : [`type ${found.type} → ${rule.type}`]),
    ...(rule.type === 'node-affinity' && sorted(found.nodes) !== sorted(rule.nodes.join(','))
      ? [`nodes ${found.nodes} → ${rule.nodes.join(',')}`]
      : []),
    ...(rule.type === 'node-affinity' && !found.strict ? ['not strict → strict'] : []),
    ...(rule.type === 'resource-affinity' && found.affinity !== 'negative'
      ? [`affinity ${found.affinity} → negative`]
      : []),
    ...(found.disabled ? ['disabled → enabled'] : []),
  ];
}
