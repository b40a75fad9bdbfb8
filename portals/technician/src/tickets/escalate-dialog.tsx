import { fieldTexts } from '@psa/app/api/field-text';
import type { Priority, Tagged, Ticket } from '@psa/app/api/types';
import { useDraft } from '@psa/app/drafts/use-draft';
import { may, useMe } from '@psa/app/session/session';
import { ComboBox, type ComboOption } from '@psa/ui/components/combo-box';
import { NativeSelect } from '@psa/ui/components/native-select';
import { TextArea } from '@psa/ui/components/text-field';
import { uiMessages } from '@psa/ui/i18n/ui-messages';
import { showToast } from '@psa/ui/toast-store';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useRef } from 'react';
import { teamsQuery } from '../api/desk.ts';
import { escalateTicket } from '../api/tickets.ts';
import { FormDialog } from '../components/form-dialog.tsx';
import { messages } from '../i18n/daily-messages.ts';
import { helpersFirst, useFindTechnician } from './choices.ts';
import { noteOwnEscalation } from './escalation-notice.tsx';
import { PRIORITIES } from './filter.ts';
import { ticketChanged } from './use-ticket-change.ts';

/** Priorities from the present one up. */
const upFrom = (priority: Priority) => PRIORITIES.slice(PRIORITIES.indexOf(priority));

interface Call {
  to: ComboOption | null;
  team: string;
  priority: Priority;
  reason: string;
}

/** Calls for help: who shall help, how urgent it is now, and why. Enter on a name leads on to the reason. */
export function EscalateDialog({ tagged, onClose }: { tagged: Tagged<Ticket>; onClose: () => void }) {
  const t = messages.useT();
  const u = uiMessages.useT();
  const me = useMe();
  const queries = useQueryClient();
  const ticket = tagged.data;
  const up = upFrom(ticket.priority);
  const draft = useDraft<Call>(`escalate.${ticket.id}`, {
    to: null,
    team: '',
    // One step up is what is meant by it; the most urgent stays where it is.
    priority: up[1] ?? ticket.priority,
    reason: '',
  });
  const { to, team, reason } = draft.value;
  // Somebody may have raised it since the draft was begun.
  const priority = up.includes(draft.value.priority) ? draft.value.priority : ticket.priority;
  const { data: teams = [] } = useQuery(teamsQuery);
  const find = useFindTechnician();
  const text = useRef<HTMLTextAreaElement>(null);
  const assign = may(me, 'ticket:assign');

  async function save(key: string): Promise<void> {
    const forget = noteOwnEscalation(ticket.id);
    const saved = await escalateTicket(
      tagged,
      {
        reason: reason.trim(),
        ...(priority === ticket.priority ? {} : { priority }),
        ...(to ? { assigned_to: to.id } : {}),
        ...(team ? { team_id: team } : {}),
      },
      key,
    ).catch((error) => {
      forget();
      void queries.invalidateQueries({ queryKey: ['ticket', ticket.id, 'page'] });
      throw error;
    });
    const number = ticket.ticket_number;
    showToast('ok', to ? t('escalate.done_to', { number, name: to.label }) : t('escalate.done', { number }));
    ticketChanged(queries, ticket.id, saved);
  }

  return (
    <FormDialog
      title={t('escalate.title')}
      submitLabel={t('escalate.submit')}
      draft={draft}
      isValid={reason.trim() !== ''}
      conflict={t('escalate.conflict')}
      onSave={save}
      onClose={onClose}
    >
      {({ tried, error }) => {
        const refused = fieldTexts(error);
        return (
          <>
            {assign && (
              <ComboBox
                label={t('escalate.to')}
                hint={t('escalate.to_hint')}
                autoFocus
                value={to}
                load={async (text) => {
                  const others = (await find(text)).filter(({ id }) => id !== me.id);
                  // Whoever is faster than the list of teams waits for it.
                  const all = await queries.ensureQueryData(teamsQuery);
                  return helpersFirst(others, all, team || ticket.team_id);
                }}
                onChange={(option) => {
                  draft.change({ to: option });
                  if (option) setTimeout(() => text.current?.focus());
                }}
                error={refused.assigned_to}
              />
            )}
            <TextArea
              autoFocus={!assign}
              isRequired
              label={t('escalate.reason')}
              hint={t('escalate.reason_hint')}
              maxLength={2000}
              rows={3}
              inputRef={text}
              value={reason}
              onChange={(next) => draft.change({ reason: next })}
              error={tried && reason.trim() === '' ? t('escalate.reason_missing') : refused.reason}
            />
            <div className="form-grid">
              <NativeSelect
                label={t('escalate.priority')}
                value={priority}
                onChange={(next) => draft.change({ priority: next })}
                options={up.map((value) => ({ value, label: u(`priority.${value}`) }))}
                error={refused.priority}
              />
              {assign && (
                <NativeSelect
                  label={t('escalate.team')}
                  value={team}
                  onChange={(next) => draft.change({ team: next })}
                  options={[
                    { value: '', label: t('escalate.keep') },
                    ...teams
                      .filter(({ id }) => id !== ticket.team_id)
                      .map(({ id, name }) => ({ value: id, label: name })),
                  ]}
                  error={refused.team_id}
                />
              )}
            </div>
          </>
        );
      }}
    </FormDialog>
  );
}
