import type { CsvImportReport } from '@psa/app/api/types';
import { Checkbox } from '@psa/ui/components/checkbox';
import { Table } from '@psa/ui/components/table';
import { useFormats } from '@psa/ui/i18n/format';
import { Panel } from '../components/panel.tsx';
import { messages } from '../i18n/customer-messages.ts';
import { columnText, valueText } from './import-problem.ts';

const SHOWN = 200;
/** Why it is not certain that a record is the one. */
const DOUBT = {
  name: 'import.by_name',
  email: 'import.by_email',
  address: 'import.by_address',
  customer_number: 'import.by_number',
  external_id: 'import.by_number',
} as const;

interface Props {
  report: CsvImportReport;
  /** Lines whose record somebody has looked at and found to be the one. */
  confirmed: ReadonlySet<number>;
  onConfirm: (lines: ReadonlySet<number>) => void;
}

/** Every field that would change, old and new; what was not found for sure is changed when it is ticked. */
export function ImportChanges({ report, confirmed, onConfirm }: Props) {
  const t = messages.useT();
  const formats = useFormats();
  const open = report.changes.filter((change) => change.to_confirm);
  const shown = report.changes.slice(0, SHOWN);
  const toggle = (line: number, on: boolean) => {
    const next = new Set(confirmed);
    if (on) next.add(line);
    else next.delete(line);
    onConfirm(next);
  };
  const ticked = open.filter((change) => confirmed.has(change.line)).length;
  return (
    <Panel title={t(report.dry_run ? 'import.changes' : 'import.changed')}>
      {open.length > 0 && report.dry_run && (
        <>
          <p>{t('import.confirm_hint')}</p>
          <Checkbox
            isSelected={ticked === open.length}
            isIndeterminate={ticked > 0 && ticked < open.length}
            onChange={(on) => onConfirm(new Set(on ? open.map((change) => change.line) : []))}
          >
            {t('import.confirm_all', { count: open.length })}
          </Checkbox>
        </>
      )}
      <Table
        caption={t('import.changes')}
        rows={shown}
        rowKey={(row) => String(row.line)}
        columns={[
          {
            id: 'line',
            header: t('import.line'),
            cell: (row) => <span className="num">{formats.number(row.line)}</span>,
          },
          {
            id: 'name',
            header: t('name'),
            rowHeader: true,
            cell: (row) => (
              <>
                {row.name} <span className="muted">K{row.customer_number}</span>
                {row.to_confirm && report.dry_run && (
                  <div>
                    <Checkbox
                      isSelected={confirmed.has(row.line)}
                      onChange={(on) => toggle(row.line, on)}
                      aria-label={t('import.confirm_row', { name: row.name, line: row.line })}
                    >
                      {t(DOUBT[row.matched_by])}
                    </Checkbox>
                  </div>
                )}
              </>
            ),
          },
          {
            id: 'fields',
            header: t('import.old_new'),
            cell: (row) => (
              <ul className="plain-list">
                {row.fields.map((field) => (
                  <li key={field.field}>
                    {columnText(field.field, t)}:{' '}
                    {field.old === null ? '–' : <del>{valueText(field.field, field.old, t)}</del>} →{' '}
                    <ins>{valueText(field.field, field.new, t)}</ins>
                  </li>
                ))}
              </ul>
            ),
          },
        ]}
      />
      {report.changes_total > shown.length && (
        <p className="muted">
          {t('import.more', { count: formats.number(report.changes_total - shown.length) })}
        </p>
      )}
    </Panel>
  );
}
