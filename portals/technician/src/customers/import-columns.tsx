import type { CsvImportReport, CsvKind, ImportChoice } from '@psa/app/api/types';
import { Button } from '@psa/ui/components/button';
import { NativeSelect } from '@psa/ui/components/native-select';
import { Table } from '@psa/ui/components/table';
import { useNarrow } from '@psa/ui/hooks/use-media-query';
import { Panel } from '../components/panel.tsx';
import { messages } from '../i18n/customer-messages.ts';
import { columnText, IMPORT_COLUMNS } from './import-problem.ts';

interface Props {
  kind: CsvKind;
  columns: CsvImportReport['columns'];
  isDisabled: boolean;
  /** Remembers choices for files that have these headings, and checks the file again. */
  onChoose: (choices: ImportChoice[]) => void;
}

/** What each column of a file is taken as; others can be chosen, and what nobody knows is mapped or left out. */
export function ImportColumnList({ kind, columns, isDisabled, onChoose }: Props) {
  const t = messages.useT();
  const narrow = useNarrow();
  const shown = columns.filter((column) => column.by !== 'empty');
  const undecided = shown.filter((column) => column.by === 'undecided');
  const proposed = undecided.flatMap(({ heading, occurrence, proposal }) =>
    proposal === null ? [] : [{ heading, occurrence, column: proposal }],
  );
  const options = [
    { value: 'ask' as const, label: t('import.column_ask'), disabled: true },
    ...IMPORT_COLUMNS[kind].map((value) => ({ value, label: columnText(value, t) })),
    { value: 'ignore' as const, label: t('import.column_ignore') },
  ];
  return (
    <Panel title={t('import.columns')}>
      <p className="muted">{t('import.columns_hint')}</p>
      <Table
        caption={t('import.columns')}
        rows={shown.map((column, i) => ({ ...column, i }))}
        rowKey={(row) => String(row.i)}
        columns={[
          {
            id: 'heading',
            header: t('import.heading'),
            rowHeader: true,
            // On a phone the choice must stand beside the heading: the example goes below it.
            cell: (row) => (
              <>
                {row.heading}
                {narrow && row.sample !== null && <div className="muted">{row.sample}</div>}
              </>
            ),
          },
          ...(narrow
            ? []
            : [
                {
                  id: 'sample',
                  header: t('import.sample'),
                  cell: (row: { sample: string | null }) => row.sample ?? '–',
                },
              ]),
          {
            id: 'column',
            header: t('import.taken_as'),
            cell: (row) => (
              <NativeSelect
                label={t('import.taken_as_of', { heading: row.heading })}
                hideLabel
                isDisabled={isDisabled}
                value={row.column ?? (row.by === 'undecided' ? 'ask' : 'ignore')}
                options={options}
                onChange={(column) =>
                  onChoose([{ heading: row.heading, occurrence: row.occurrence, column }])
                }
              />
            ),
          },
        ]}
      />
      {undecided.length > 0 && (
        <div className="row">
          {proposed.length > 0 && (
            <Button kind="primary" isDisabled={isDisabled} onPress={() => onChoose(proposed)}>
              {t('import.as_proposed', { count: proposed.length })}
            </Button>
          )}
          <Button
            isDisabled={isDisabled}
            onPress={() =>
              onChoose(
                undecided.map(({ heading, occurrence }) => ({
                  heading,
                  occurrence,
                  column: 'ignore' as const,
                })),
              )
            }
          >
            {t('import.ignore_rest', { count: undecided.length })}
          </Button>
        </div>
      )}
    </Panel>
  );
}
