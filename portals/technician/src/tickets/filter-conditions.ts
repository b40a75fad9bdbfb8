import { useMe } from '@psa/app/session/session';
import { categoriesQuery } from '@psa/app/tickets';
import type { Choice } from '@psa/ui/components/choice-popover';
import type { IconName } from '@psa/ui/components/icon';
import { uiMessages } from '@psa/ui/i18n/ui-messages';
import { PRIORITY_LOOK, STATUS_LOOK } from '@psa/ui/look';
import { useQueries, useQuery } from '@tanstack/react-query';
import { customerQuery, findCustomers } from '../api/customers.ts';
import { teamsQuery, techniciansQuery } from '../api/desk.ts';
import { ticketTagsQuery } from '../api/tickets.ts';
import { messages } from '../i18n/list-messages.ts';
import { type Condition, chosenOf, PRIORITIES, SLA_STATES, STATUSES, type TicketFilter } from './filter.ts';

/** A condition of the list in the reader's words. */
export interface ShownCondition {
  name: Condition;
  label: string;
  icon: IconName;
  /** What is chosen, as the chip says it. */
  values: readonly string[];
  options: readonly Choice[];
  load?: (query: string, signal: AbortSignal) => Promise<readonly Choice[]>;
}

const byLabel = (a: { label: string }, b: { label: string }) => a.label.localeCompare(b.label);

/** The conditions of a filter with what may be chosen of each. `wanted`: somebody looks at the choices. */
export function useConditions(filter: TicketFilter, wanted: boolean): Record<Condition, ShownCondition> {
  const t = messages.useT();
  const u = uiMessages.useT();
  const me = useMe();
  const names = (name: Condition) => wanted || filter[name].length > 0;
  const { data: people = [] } = useQuery({ ...techniciansQuery, enabled: names('assigned_to') });
  const { data: teams = [] } = useQuery({ ...teamsQuery, enabled: names('team_id') });
  const { data: tags = [] } = useQuery({ ...ticketTagsQuery, enabled: wanted });
  const { data: categories = [] } = useQuery({ ...categoriesQuery, enabled: wanted });
  const customers = useQueries({ queries: filter.customer_id.map((id) => customerQuery(id)) });

  /** What is chosen first names itself, though nothing that is offered does. */
  const all = (offered: readonly Choice[], name: Condition): Choice[] => {
    const known = new Set(offered.map((one) => one.id));
    const others = filter[name].filter((id) => !known.has(id)).map((id) => ({ id, label: '…' }));
    return [...offered, ...others];
  };
  const words = (offered: readonly string[], name: 'tag' | 'category'): Choice[] =>
    [...new Set([...filter[name], ...offered])].map((id) => ({ id, label: id })).sort(byLabel);

  const condition = (
    name: Condition,
    icon: IconName,
    offered: readonly Choice[],
    more: Pick<ShownCondition, 'load'> = {},
  ): ShownCondition => {
    const chosen = new Set(chosenOf(filter, name));
    const options = offered.map((one) => ({ ...one, chosen: chosen.has(one.id) }));
    // "Open" says the four that it stands for.
    const said = new Set<string>(filter[name]);
    const values = options.filter((one) => said.has(one.id)).map((one) => one.label);
    const { load } = more;
    return {
      name,
      label: t(`list.${LABELS[name]}`),
      icon,
      values,
      options,
      ...(load
        ? {
            load: async (query, signal) =>
              (await load(query, signal)).map((one) => ({ ...one, chosen: chosen.has(one.id) })),
          }
        : {}),
    };
  };

  return {
    status: condition('status', 'circleHalf', [
      { id: 'open', label: t('list.status_open') },
      ...STATUSES.map((id) => ({ id, label: u(`status.${id}`), icon: STATUS_LOOK[id].icon })),
    ]),
    priority: condition(
      'priority',
      'signal3',
      PRIORITIES.toReversed().map((id) => ({ id, label: u(`priority.${id}`), icon: PRIORITY_LOOK[id].icon })),
    ),
    assigned_to: condition(
      'assigned_to',
      'user',
      all(
        [
          { id: 'me', label: t('list.me') },
          { id: 'none', label: t('list.nobody') },
          ...people
            .filter((person) => person.active || filter.assigned_to.includes(person.id))
            .filter((person) => person.id !== me.id || filter.assigned_to.includes(person.id))
            .map(({ id, name }) => ({ id, label: name }))
            .sort(byLabel),
        ],
        'assigned_to',
      ),
    ),
    customer_id: condition(
      'customer_id',
      'building',
      filter.customer_id.map((id, i) => ({ id, label: customers[i]?.data?.data.name ?? '…' })),
      { load: findCustomers },
    ),
    team_id: condition(
      'team_id',
      'users',
      all(
        [
          ...(teams.some((team) => team.member_ids.includes(me.id)) || filter.team_id.includes('mine')
            ? [{ id: 'mine', label: t('list.my_team') }]
            : []),
          { id: 'none', label: t('list.no_team') },
          ...teams.map(({ id, name }) => ({ id, label: name })).sort(byLabel),
        ],
        'team_id',
      ),
    ),
    sla: condition(
      'sla',
      'clock',
      SLA_STATES.map((id) => ({ id, label: t(`list.sla_${id}`) })),
    ),
    tag: condition('tag', 'tag', words(tags, 'tag')),
    category: condition('category', 'inbox', words(categories, 'category')),
  };
}

const LABELS = {
  status: 'status',
  priority: 'priority',
  assigned_to: 'assignee',
  customer_id: 'customer',
  team_id: 'team',
  sla: 'sla',
  tag: 'tag',
  category: 'category',
} as const satisfies Record<Condition, string>;
