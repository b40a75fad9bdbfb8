import { ownComment, sidOf } from './desired.ts';
import type { Draft } from './draft.ts';
import { nameOf } from './plan-container.ts';
import { refusedRule } from './refusals.ts';
import { idOf } from './step.ts';

/** What the HA manager is to know: resources, then rules or groups, as its release has it. */
export function planHa(draft: Draft): void {
  const { desired, observed, steps, places } = draft;
  const byGroups = observed.release.ha === 'groups';
  for (const container of desired.containers) {
    const place = places.get(container.id);
    if (!place) continue;
    const found = observed.ha.resources.find(({ sid }) => sid === sidOf(container.id));
    const target = nameOf(container);
    if (container.ha === 'none') {
      if (!found) continue;
      // The HA manager would start, stop and move it by itself meanwhile.
      const rest = steps.of(container.id);
      const reason = 'managed by HA → started at boot only';
      const unmanage = steps.add({ kind: 'unmanage', container: container.id }, { target, reason });
      steps.hold(rest, [unmanage]);
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
      steps.add(
        { kind: 'manage', container: container.id },
        {
          ...{ target, reason: reasons.join(', ') },
          after: [...steps.of(container.id), ...(group ? [idOf({ kind: 'group', group: group.name })] : [])],
        },
      );
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
  steps.add(
    { kind: 'group', group: group.name },
    { target, reason: `nodes ${found?.nodes ?? 'none'} → ${group.nodes}` },
  );
}

const sorted = (list: string) => list.split(',').sort().join(',');

function planRules({ desired, observed, steps, problems, notes, places }: Draft): void {
  for (const rule of desired.rules) {
    // A rule takes only what HA manages, and what could not be made now is not managed.
    const members = rule.members.filter(
      (id) => places.has(id) || observed.ha.resources.some(({ sid }) => sid === sidOf(id)),
    );
    const resources = members.map(sidOf);
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
    const remade = members.filter((id) => places.get(id)?.isFresh).map(sidOf);
    const reasons = ruleReasons(rule, resources, remade, found);
    const others = observed.ha.rules.filter((one) => one.comment !== rule.comment);
    const keeps = reasons.length > 0 ? refusedRule(rule.type, resources, others) : null;
    if (keeps !== null) notes.push(`${target} is not set (${reasons.join(', ')}): ${keeps}`);
    else if (reasons.length > 0)
      steps.add(
        { kind: 'rule', rule: rule.name },
        {
          ...{ target, reason: reasons.join(', ') },
          after: members.map((container) => idOf({ kind: 'manage', container })),
        },
      );
  }
  for (const { name, comment } of observed.ha.rules) {
    const isOurs = comment === ownComment(desired.appliance, desired.site);
    if (isOurs && !desired.rules.some((rule) => rule.name === name))
      steps.add(
        { kind: 'remove-rule', rule: name },
        { target: `HA rule ${name}`, reason: 'no longer wanted → removed' },
      );
  }
}

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
