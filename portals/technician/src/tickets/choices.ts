import type { Priority, Team, TicketStatus } from '@psa/app/api/types';
import { useMe } from '@psa/app/session/session';
import type { ComboOption } from '@psa/ui/components/combo-box';
import { holds } from '@psa/ui/fuzzy';
import { uiMessages } from '@psa/ui/i18n/ui-messages';
import { PRIORITY_LOOK, STATUS_LOOK } from '@psa/ui/look';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { techniciansQuery } from '../api/desk.ts';
import type { PickOption } from '../components/picker.tsx';
import { messages } from '../i18n/list-messages.ts';
import { PRIORITIES, STATUSES } from './filter.ts';

export const NOBODY = 'none';

export function useStatusOptions(only: readonly TicketStatus[] = STATUSES): PickOption[] {
  const u = uiMessages.useT();
  return only.map((id) => ({ id, label: u(`status.${id}`), icon: STATUS_LOOK[id].icon }));
}

export function usePriorityOptions(): PickOption[] {
  const u = uiMessages.useT();
  return PRIORITIES.toReversed().map((id: Priority) => ({
    id,
    label: u(`priority.${id}`),
    icon: PRIORITY_LOOK[id].icon,
  }));
}

/** Whose working time an entry may be: everybody at the desk by name, and whose it is now. */
export function useColleagues(now: { id: string; name: string }): { value: string; label: string }[] {
  const { data = [] } = useQuery(techniciansQuery);
  const others = data.filter(({ id, active }) => active && id !== now.id);
  return [now, ...others]
    .sort((a, b) => a.name.localeCompare(b.name))
    .map(({ id, name }) => ({ value: id, label: name }));
}

/** People who can be assigned: oneself first, then by name; NOBODY takes the assignee away. */
export function useAssigneeOptions(): PickOption[] {
  const t = messages.useT();
  const me = useMe();
  const { data = [] } = useQuery(techniciansQuery);
  const others = data
    .filter((person) => person.active && person.id !== me.id)
    .sort((a, b) => a.name.localeCompare(b.name))
    .map(
      ({ id, name, open_tickets }): PickOption => ({
        id,
        label: name,
        icon: 'user',
        detail: t('list.count', { count: open_tickets }),
      }),
    );
  return [
    { id: me.id, label: `${t('list.me')} (${me.name})`, icon: 'user' },
    ...others,
    { id: NOBODY, label: t('list.nobody'), icon: 'minus' },
  ];
}

/**
 * Those of whom help is most likely, first: of the ticket's team, then of any team, then who only manages the desk.
 * Among equals the order stays.
 */
export function helpersFirst<T extends { id: string }>(
  people: readonly T[],
  teams: readonly Pick<Team, 'id' | 'member_ids'>[],
  teamId: string | null,
): T[] {
  const distance = ({ id }: T) => {
    const own = teams.filter(({ member_ids }) => member_ids.includes(id));
    return own.length === 0 ? 2 : own.some((team) => team.id === teamId) ? 0 : 1;
  };
  return people.toSorted((a, b) => distance(a) - distance(b));
}

/** Finds technicians by a part of their name, for a combo box. */
export function useFindTechnician(): (text: string) => Promise<ComboOption[]> {
  const t = messages.useT();
  const queries = useQueryClient();
  return async (text) =>
    // Whoever is faster than the list of technicians waits for it.
    (await queries.ensureQueryData(techniciansQuery))
      .filter(({ active, name }) => active && holds(text, name))
      .map(({ id, name, open_tickets }) => ({
        id,
        label: name,
        detail: t('list.count', { count: open_tickets }),
      }));
}
