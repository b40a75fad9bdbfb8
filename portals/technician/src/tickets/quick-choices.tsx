import type { Priority, Tagged, Ticket, TicketStatus } from '@psa/app/api/types';
import { useNavigate } from '@psa/app/router';
import { may, useMe } from '@psa/app/session/session';
import { useHotkeys } from '@psa/ui/hooks/use-hotkeys';
import { useCommands } from '../commands.ts';
import { Picker } from '../components/picker.tsx';
import { messages as dailyMessages } from '../i18n/daily-messages.ts';
import { messages as listMessages } from '../i18n/list-messages.ts';
import { messages as appMessages } from '../i18n/messages.ts';
import { messages } from '../i18n/ticket-messages.ts';
import { lastListPath } from '../list-path.ts';
import { NOBODY, useAssigneeOptions, usePriorityOptions } from './choices.ts';
import { useStatusMoves } from './status-moves.ts';
import type { TicketChange } from './use-ticket-change.ts';

export type Asking = 'status' | 'priority' | 'assign' | null;

export interface QuickChoicesProps {
  tagged: Tagged<Ticket>;
  save: TicketChange;
  asking: Asking;
  onAsk: (asking: Asking) => void;
  onEscalate: () => void;
  onPrint: () => void;
}

/** Status, priority, assignee and escalating by one key each, and the same in the palette. */
export function QuickChoices({ tagged, save, asking, onAsk, onEscalate, onPrint }: QuickChoicesProps) {
  const t = messages.useT();
  const d = dailyMessages.useT();
  const l = listMessages.useT();
  const app = appMessages.useT();
  const me = useMe();
  const navigate = useNavigate();
  const ticket = tagged.data;
  const moves = useStatusMoves(ticket);
  const priorities = usePriorityOptions();
  const people = useAssigneeOptions();
  const update = may(me, 'ticket:update');
  const assign = update && may(me, 'ticket:assign');
  const done = ticket.status === 'resolved' || ticket.status === 'closed';
  const take = () => save.change({ assigned_to: me.id }, tagged);
  const actions = [
    { keys: 's', id: 'status', title: l('bulk.status'), run: () => onAsk('status'), enabled: update },
    { keys: 'p', id: 'priority', title: l('bulk.priority'), run: () => onAsk('priority'), enabled: update },
    { keys: 'a', id: 'assign', title: l('bulk.assign'), run: () => onAsk('assign'), enabled: assign },
    { keys: 'i', id: 'take', title: l('bulk.take'), run: take, enabled: assign },
    {
      keys: 'x',
      id: 'escalate',
      title: d('action.escalate'),
      run: onEscalate,
      enabled: update && may(me, 'ticket:comment:internal') && !done,
    },
    { id: 'print', title: d('print.title'), run: onPrint, enabled: true },
    {
      keys: 'u',
      id: 'back',
      title: t('ticket.back'),
      run: () => void navigate(lastListPath()),
      enabled: true,
    },
  ].filter(({ enabled }) => enabled);
  useHotkeys(actions.flatMap(({ keys, title, run }) => (keys ? [{ keys, label: title, run }] : [])));
  useCommands(
    actions.map(({ id, keys, title, run }) => ({
      id: `ticket-${id}`,
      title,
      run,
      section: app('section.page'),
      ...(keys ? { keys } : {}),
    })),
  );
  const close = () => onAsk(null);
  if (asking === 'status') {
    return (
      <Picker
        title={l('bulk.status')}
        options={moves.options}
        onClose={close}
        onPick={(status) => save.change(moves.changesTo(status as TicketStatus), tagged)}
      />
    );
  }
  if (asking === 'priority') {
    return (
      <Picker
        title={l('bulk.priority')}
        options={priorities}
        onClose={close}
        onPick={(priority) => save.change({ priority: priority as Priority }, tagged)}
      />
    );
  }
  if (asking === 'assign') {
    return (
      <Picker
        title={l('bulk.assign')}
        options={people}
        onClose={close}
        onPick={(id) => save.change({ assigned_to: id === NOBODY ? null : id }, tagged)}
      />
    );
  }
  return null;
}
