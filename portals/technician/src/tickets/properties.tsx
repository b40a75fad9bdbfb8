import type { Tagged, Ticket, TicketChanges, TicketStatus } from '@psa/app/api/types';
import { may, useMe } from '@psa/app/session/session';
import { readTags } from '@psa/contracts/tags';
import { ComboBox, type ComboOption } from '@psa/ui/components/combo-box';
import { NativeSelect } from '@psa/ui/components/native-select';
import { TextField } from '@psa/ui/components/text-field';
import { useFormats } from '@psa/ui/i18n/format';
import { uiMessages } from '@psa/ui/i18n/ui-messages';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useId, useState } from 'react';
import { findContacts } from '../api/customers.ts';
import { categoriesQuery, teamsQuery, techniciansQuery } from '../api/desk.ts';
import { Fact } from '../components/fact.tsx';
import { Panel } from '../components/panel.tsx';
import { messages as dailyMessages } from '../i18n/daily-messages.ts';
import { messages as listMessages } from '../i18n/list-messages.ts';
import { messages } from '../i18n/ticket-messages.ts';
import { useFindTechnician } from './choices.ts';
import { PRIORITIES } from './filter.ts';
import { mayStart, useStatusMoves } from './status-moves.ts';
import type { TicketChange } from './use-ticket-change.ts';

/** Facts of a ticket that people set. What is being saved is shown already and goes back when it fails. */
export function Properties({ tagged, save }: { tagged: Tagged<Ticket>; save: TicketChange }) {
  const t = messages.useT();
  const l = listMessages.useT();
  const d = dailyMessages.useT();
  const u = uiMessages.useT();
  const me = useMe();
  const formats = useFormats();
  const { data: teams = [] } = useQuery(teamsQuery);
  const ticket = { ...tagged.data, ...save.pending } as Ticket;
  const locked = !may(me, 'ticket:update');
  const set = (changes: TicketChanges) => save.change(changes, tagged);
  const moves = useStatusMoves(tagged.data);
  const team = ticket.team_id && !teams.some(({ id }) => id === ticket.team_id) ? ticket.team : null;

  return (
    <Panel title={t('ticket.properties')}>
      <div className="properties">
        <NativeSelect
          label={l('list.status')}
          value={ticket.status}
          isDisabled={locked}
          onChange={(status) => set(moves.changesTo(status as TicketStatus))}
          options={[
            { value: tagged.data.status, label: u(`status.${tagged.data.status}`) },
            ...moves.options.map(({ id, label }) => ({ value: id, label })),
          ]}
        />
        {tagged.data.status === 'new' && mayStart(tagged.data, me) && (
          <p className="hint">{d('status.new_hint')}</p>
        )}
        <NativeSelect
          label={l('list.priority')}
          value={ticket.priority}
          isDisabled={locked}
          onChange={(priority) => set({ priority })}
          options={PRIORITIES.map((value) => ({ value, label: u(`priority.${value}`) }))}
        />
        <AssigneeField tagged={tagged} save={save} />
        <NativeSelect
          label={t('ticket.team')}
          value={ticket.team_id ?? ''}
          isDisabled={locked}
          onChange={(value) => set({ team_id: value === '' ? null : value })}
          options={[
            { value: '', label: t('ticket.no_team') },
            ...teams.map(({ id, name }) => ({ value: id, label: name })),
            ...(team ? [{ value: team.id, label: team.name }] : []),
          ]}
        />
        <CategoryField ticket={ticket} locked={locked} onSave={(category) => set({ category })} />
        <CommitField
          label={t('ticket.tags')}
          hint={t('ticket.tags_hint')}
          value={ticket.tags.join(', ')}
          locked={locked}
          onCommit={(text) => {
            const tags = readTags(text);
            if (tags.join() !== tagged.data.tags.join()) set({ tags });
          }}
        />
        <ContactField ticket={ticket} locked={locked} onSave={(contact_id) => set({ contact_id })} />
      </div>
      <dl className="facts">
        {ticket.requester && <Fact name={t('ticket.requester')}>{ticket.requester.name}</Fact>}
        <Fact name={t('ticket.source')}>{t(`new.source_${ticket.source}`)}</Fact>
        <Fact name={t('ticket.created')}>{formats.dateTime(ticket.created_at)}</Fact>
        {ticket.reopen_count > 0 && (
          <Fact name={u('status.closed')}>{t('ticket.reopened', { count: ticket.reopen_count })}</Fact>
        )}
      </dl>
    </Panel>
  );
}

function AssigneeField({ tagged, save }: { tagged: Tagged<Ticket>; save: TicketChange }) {
  const t = messages.useT();
  const me = useMe();
  const find = useFindTechnician();
  const { data: technicians = [] } = useQuery(techniciansQuery);
  const ticket = { ...tagged.data, ...save.pending } as Ticket;
  const locked = !may(me, 'ticket:update') || !may(me, 'ticket:assign');
  const known = technicians.find(({ id }) => id === ticket.assigned_to)?.name;
  const value: ComboOption | null =
    ticket.assigned_to === null
      ? null
      : {
          id: ticket.assigned_to,
          label: known ?? (ticket.assignee?.id === ticket.assigned_to ? ticket.assignee.name : '…'),
        };
  return (
    <div>
      <ComboBox
        label={t('ticket.assignee')}
        placeholder={t('ticket.unassigned')}
        value={value}
        isDisabled={locked}
        load={find}
        onChange={(option) => save.change({ assigned_to: option?.id ?? null }, tagged)}
      />
      {!locked && ticket.assigned_to !== me.id && (
        <button
          type="button"
          className="link-button"
          onClick={() => save.change({ assigned_to: me.id }, tagged)}
        >
          {t('ticket.take')}
        </button>
      )}
    </div>
  );
}

function ContactField(props: { ticket: Ticket; locked: boolean; onSave: (id: string | null) => void }) {
  const t = messages.useT();
  const { ticket } = props;
  const [chosen, setChosen] = useState<ComboOption | null>(null);
  const name = ticket.contact?.id === ticket.contact_id ? ticket.contact?.name : undefined;
  const value =
    ticket.contact_id === null
      ? null
      : chosen?.id === ticket.contact_id
        ? chosen
        : { id: ticket.contact_id, label: name ?? '…' };
  return (
    <ComboBox
      label={t('ticket.contact')}
      value={value}
      isDisabled={props.locked}
      load={(text, signal) => findContacts(ticket.customer_id, text, signal)}
      onChange={(option) => {
        setChosen(option);
        if ((option?.id ?? null) !== ticket.contact_id) props.onSave(option?.id ?? null);
      }}
    />
  );
}

function CategoryField(props: {
  ticket: Ticket;
  locked: boolean;
  onSave: (category: string | null) => void;
}) {
  const l = listMessages.useT();
  const { data = [] } = useQuery(categoriesQuery);
  return (
    <CommitField
      label={l('list.category')}
      value={props.ticket.category ?? ''}
      locked={props.locked}
      suggestions={data.map(({ name }) => name)}
      maxLength={50}
      onCommit={(text) => {
        if (text !== (props.ticket.category ?? '')) props.onSave(text === '' ? null : text);
      }}
    />
  );
}

/** A line that is saved when one leaves it or presses Enter; Escape takes it back. */
function CommitField(props: {
  label: string;
  hint?: string;
  value: string;
  locked: boolean;
  suggestions?: readonly string[];
  maxLength?: number;
  onCommit: (text: string) => void;
}) {
  const id = useId();
  const [text, setText] = useState(props.value);
  useEffect(() => setText(props.value), [props.value]);
  return (
    <div className="field">
      {props.suggestions ? (
        <>
          <label className="label" htmlFor={id}>
            {props.label}
          </label>
          <input
            id={id}
            className="input"
            list={`${id}-list`}
            disabled={props.locked}
            maxLength={props.maxLength}
            value={text}
            onChange={(event) => setText(event.target.value)}
            onBlur={() => props.onCommit(text.trim())}
            onKeyDown={(event) => {
              if (event.key === 'Enter') event.currentTarget.blur();
              if (event.key === 'Escape') setText(props.value);
            }}
          />
          <datalist id={`${id}-list`}>
            {props.suggestions.map((word) => (
              <option key={word} value={word} />
            ))}
          </datalist>
        </>
      ) : (
        <TextField
          label={props.label}
          hint={props.hint}
          isDisabled={props.locked}
          value={text}
          onChange={setText}
          onBlur={() => props.onCommit(text.trim())}
          onKeyDown={(event) => {
            if (event.key === 'Enter') props.onCommit(text.trim());
            if (event.key === 'Escape') setText(props.value);
          }}
        />
      )}
    </div>
  );
}
