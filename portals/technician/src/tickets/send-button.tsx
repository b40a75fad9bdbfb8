import type { TicketStatus } from '@psa/app/api/types';
import { Button, IconButton } from '@psa/ui/components/button';
import { Kbd } from '@psa/ui/components/kbd';
import { MenuItem, MenuPopover } from '@psa/ui/components/menu';
import { uiMessages } from '@psa/ui/i18n/ui-messages';
import { STATUS_LOOK } from '@psa/ui/look';
import { useRef, useState } from 'react';
import { messages as dailyMessages } from '../i18n/daily-messages.ts';
import { messages } from '../i18n/ticket-messages.ts';

/** What comes first after a reply. */
const ORDER: readonly TicketStatus[] = [
  'waiting_customer',
  'resolved',
  'in_progress',
  'assigned',
  'closed',
  'new',
];

export interface SendButtonProps {
  kind: 'public' | 'internal';
  /** Sends a solution: the ticket is resolved with it. */
  solves: boolean;
  /** Where the ticket may go from here. */
  next: readonly TicketStatus[];
  isPending: boolean;
  /** The first try did not do it all. */
  again: 'files' | 'retry' | null;
  onSend: (then: TicketStatus | null) => void;
}

/** Sends, and beside it: sends and moves the ticket on in the same step. */
export function SendButton({ kind, solves, next, isPending, again, onSend }: SendButtonProps) {
  const t = messages.useT();
  const d = dailyMessages.useT();
  const u = uiMessages.useT();
  const [open, setOpen] = useState(false);
  const trigger = useRef<HTMLButtonElement>(null);
  const what = kind === 'internal' ? 'note' : 'send';
  const choices = ORDER.filter((status) => next.includes(status));
  return (
    <span className="split-button">
      {again === null && (
        <span className="wide-only">
          <Kbd keys="mod+enter" />
        </span>
      )}
      <Button type="submit" kind="primary" isPending={isPending}>
        {again === 'files'
          ? t('reply.retry_files')
          : again === 'retry'
            ? u('action.retry')
            : solves
              ? d('send.solution')
              : t(kind === 'internal' ? 'reply.save_note' : 'reply.send')}
      </Button>
      {choices.length > 0 && again !== 'files' && (
        <IconButton
          ref={trigger}
          icon="chevronDown"
          kind="primary"
          label={d('send.more')}
          aria-expanded={open}
          isDisabled={isPending}
          onPress={() => setOpen(!open)}
        />
      )}
      {open && (
        <MenuPopover label={d('send.more')} trigger={trigger} onClose={() => setOpen(false)}>
          {choices.map((status) => (
            <MenuItem
              key={status}
              id={status}
              icon={STATUS_LOOK[status].icon}
              label={d(`${what}.then.${status}`)}
              end={status === 'waiting_customer' ? <Kbd keys="mod+shift+enter" /> : undefined}
              onAction={() => onSend(status)}
            />
          ))}
        </MenuPopover>
      )}
    </span>
  );
}
