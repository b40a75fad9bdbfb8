import { Button } from '@psa/ui/components/button';
import { Dialog } from '@psa/ui/components/dialog';
import { Table } from '@psa/ui/components/table';
import { messages } from '../i18n/ticket-messages.ts';
import type { Changeable } from './conflict.ts';
import { useFieldText } from './use-field-text.tsx';
import type { TicketChange } from './use-ticket-change.ts';

/** Two people changed the same ticket: what the other one did, what one wanted oneself, and which shall hold. */
export function ConflictDialog({ ticket }: { ticket: TicketChange }) {
  const t = messages.useT();
  const text = useFieldText();
  const { conflict } = ticket;
  if (!conflict) return null;
  const mine = Object.entries(conflict.changes) as [Changeable, unknown][];
  return (
    <Dialog
      title={t('conflict.title')}
      isOpen
      wide
      onClose={ticket.dropConflict}
      footer={
        <>
          <Button onPress={ticket.dropConflict}>{t('conflict.reload')}</Button>
          <Button kind="primary" onPress={ticket.reapply}>
            {t('conflict.reapply')}
          </Button>
        </>
      }
    >
      <div className="stack">
        <p>{t('conflict.intro')}</p>
        <Table
          caption={t('conflict.caption')}
          rows={conflict.differences}
          rowKey={(row) => row.field}
          columns={[
            {
              id: 'field',
              header: t('conflict.field'),
              rowHeader: true,
              cell: (row) => text.name(row.field),
            },
            { id: 'before', header: t('conflict.before'), cell: (row) => text.value(row.field, row.before) },
            { id: 'now', header: t('conflict.now'), cell: (row) => text.value(row.field, row.now) },
          ]}
        />
        <h3>{t('conflict.yours')}</h3>
        <dl className="facts">
          {mine.map(([field, value]) => (
            <div key={field}>
              <dt>{text.name(field)}</dt>
              <dd>{text.value(field, value)}</dd>
            </div>
          ))}
        </dl>
      </div>
    </Dialog>
  );
}
