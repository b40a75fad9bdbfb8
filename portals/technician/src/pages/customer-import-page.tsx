import { api } from '@psa/app/api/browser';
import { ApiError } from '@psa/app/api/error';
import type { CsvImportReport, CsvKind, ImportChoice } from '@psa/app/api/types';
import { ErrorText } from '@psa/app/components/error-state';
import { Link, useSearchParams } from '@psa/app/router';
import { may, useMe } from '@psa/app/session/session';
import { MAX_CSV_BYTES } from '@psa/contracts/limits';
import { Button } from '@psa/ui/components/button';
import { ComboBox, type ComboOption } from '@psa/ui/components/combo-box';
import { FileDrop } from '@psa/ui/components/file-drop';
import { NativeSelect } from '@psa/ui/components/native-select';
import { Alert } from '@psa/ui/components/states';
import { Table } from '@psa/ui/components/table';
import { useFormats } from '@psa/ui/i18n/format';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { chooseImportColumns, findCustomers, importCsv } from '../api/customers.ts';
import { Panel } from '../components/panel.tsx';
import { ImportChanges } from '../customers/import-changes.tsx';
import { ImportColumnList } from '../customers/import-columns.tsx';
import { columnText, SYSTEM_NAMES, whyRefused } from '../customers/import-problem.ts';
import { messages } from '../i18n/customer-messages.ts';

const SHOWN_PROBLEMS = 100;

const KINDS = ['customers', 'contacts', 'sites'] as const satisfies readonly CsvKind[];

/** What comes in is chosen first; another kind is another import. */
export function Component() {
  const t = messages.useT();
  const me = useMe();
  const [params, setParams] = useSearchParams();
  const kind = KINDS.find((known) => known === params.get('what')) ?? 'customers';
  return (
    <div className="page narrow-page">
      <title>{`${t('import.title')} · ${me.tenant_name}`}</title>
      <div className="page-head">
        <h1>{t('import.title')}</h1>
        <span className="spacer" />
        {may(me, 'customer:export') && (
          <a className="button" href={api.url(EXPORTS[kind])} download>
            {t(`import.export.${kind}`)}
          </a>
        )}
      </div>
      <NativeSelect
        label={t('import.what')}
        value={kind}
        options={KINDS.map((value) => ({ value, label: t(`import.kind.${value}`) }))}
        onChange={(what) => setParams(what === 'customers' ? {} : { what }, { replace: true })}
      />
      <Import key={kind} kind={kind} />
    </div>
  );
}

const EXPORTS = {
  customers: '/customers/export.csv',
  contacts: '/contacts/export.csv',
  sites: '/sites/export.csv',
} as const satisfies Record<CsvKind, string>;

/** Records from a CSV file: first a check that writes nothing, then, on demand, the same file for real. */
function Import({ kind }: { kind: CsvKind }) {
  const t = messages.useT();
  const queries = useQueryClient();
  const [files, setFiles] = useState<readonly File[]>([]);
  const file = files[0];
  const [customer, setCustomer] = useState<ComboOption | null>(null);
  const target = { kind, customerId: customer?.id ?? null };
  const [confirmed, setConfirmed] = useState<ReadonlySet<number>>(new Set());
  const check = useMutation({ mutationFn: (csv: File) => importCsv(target, csv, true) });
  const choose = useMutation({
    mutationFn: (choices: ImportChoice[]) =>
      chooseImportColumns(kind, check.data?.columns.map(({ heading }) => heading) ?? [], choices),
    onSuccess: () => file && check.mutate(file),
  });
  const run = useMutation({
    mutationFn: (csv: File) => importCsv(target, csv, false, asQuery(confirmed, check.data)),
    onSettled: () => queries.invalidateQueries({ queryKey: ['customer'] }),
  });
  const anew = () => {
    check.reset();
    choose.reset();
    run.reset();
    setConfirmed(new Set());
  };
  const report = run.data ?? check.data;
  const error = run.error ?? check.error ?? choose.error;
  const undecided = report?.columns.some((column) => column.by === 'undecided') ?? false;
  // A refused file has no fields to look at: its reasons are all there is.
  const reasons =
    error instanceof ApiError && error.status === 400
      ? [...new Set(error.details.map((detail) => whyRefused(detail, t)))]
      : [];
  return (
    <>
      <Panel title={t('import.file')}>
        <p className="muted">{t('import.intro')}</p>
        {kind !== 'customers' && (
          <ComboBox
            label={t('import.customer')}
            hint={t('import.customer_hint')}
            placeholder={t('import.customer_any')}
            value={customer}
            load={findCustomers}
            isDisabled={check.isPending || run.isPending}
            onChange={(next) => {
              setCustomer(next);
              anew();
            }}
          />
        )}
        <FileDrop
          label={t('import.file')}
          files={files}
          maxFiles={1}
          maxBytes={MAX_CSV_BYTES}
          accept={['.csv', 'text/csv']}
          isDisabled={check.isPending || run.isPending}
          onChange={(next) => {
            setFiles(next);
            anew();
          }}
        />
        {file && !report && (
          <div>
            <Button kind="primary" isPending={check.isPending} onPress={() => check.mutate(file)}>
              {t('import.check')}
            </Button>
          </div>
        )}
        {error && (
          <Alert tone="danger">
            {reasons.length === 0 ? (
              <ErrorText error={error} />
            ) : (
              reasons.map((reason) => <p key={reason}>{reason}</p>)
            )}
          </Alert>
        )}
      </Panel>
      {report?.dry_run && (
        <ImportColumnList
          kind={kind}
          columns={report.columns}
          isDisabled={choose.isPending || check.isPending || run.isPending}
          onChoose={(choices) => choose.mutate(choices)}
        />
      )}
      {report && <Report report={report} />}
      {report && report.changes.length > 0 && (
        <ImportChanges report={report} confirmed={confirmed} onConfirm={setConfirmed} />
      )}
      {file && report?.dry_run && (undecided || report.taken + confirmed.size > 0) && (
        <div>
          {undecided && <p className="muted">{t('import.undecided')}</p>}
          <Button
            kind="primary"
            isDisabled={undecided}
            isPending={run.isPending}
            onPress={() => run.mutate(file)}
          >
            {t('import.run', { count: report.taken + confirmed.size })}
          </Button>
        </div>
      )}
      {report && !report.dry_run && <Link to="/customers">{t('import.to_list')}</Link>}
    </>
  );
}

/** The confirmed lines; all at once where they are too many for an address. */
function asQuery(confirmed: ReadonlySet<number>, checked: CsvImportReport | undefined) {
  return confirmed.size > 500 && confirmed.size === checked?.unconfirmed ? ('all' as const) : confirmed;
}

/** What stands between cells, by name: a comma alone would be taken for one of the sentence. */
function separatorText(delimiter: string, t: ReturnType<typeof messages.useT>): string {
  if (delimiter === '\t') return t('import.tab');
  if (delimiter === ',') return t('import.comma');
  return delimiter === ';' ? t('import.semicolon') : delimiter;
}

function Report({ report }: { report: CsvImportReport }) {
  const t = messages.useT();
  const formats = useFormats();
  const dry = report.dry_run;
  const facts = [
    [t('import.rows'), report.rows],
    [t(dry ? 'import.would_create' : 'import.created'), report.created],
    [t(dry ? 'import.would_update' : 'import.updated'), report.updated],
    [t('import.unchanged'), report.unchanged],
    ...(report.unconfirmed > 0 ? [[t('import.unconfirmed'), report.unconfirmed] as const] : []),
    [t('import.refused'), report.refused],
  ] as const;
  const shown = report.problems.slice(0, SHOWN_PROBLEMS);
  return (
    <Panel title={t(dry ? 'import.checked' : 'import.done')}>
      <div role="status">
        <p className="muted">
          {report.system && `${t('import.system', { system: SYSTEM_NAMES[report.system] })}. `}
          {t('import.read_as', {
            encoding: report.encoding.toUpperCase(),
            from: t(`import.from.${report.encoding_from}`),
            delimiter: separatorText(report.delimiter, t),
          })}
        </p>
        <dl className="facts">
          {facts.map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd className="num">{formats.number(value)}</dd>
            </div>
          ))}
        </dl>
      </div>
      {shown.length > 0 && (
        <>
          <h3>{t('import.problems')}</h3>
          <Table
            caption={t('import.problems')}
            rows={shown}
            rowKey={(row) => `${row.line}/${row.field}/${row.message}`}
            columns={[
              {
                id: 'line',
                header: t('import.line'),
                rowHeader: true,
                cell: (row) => formats.number(row.line),
              },
              { id: 'field', header: t('import.field'), cell: (row) => columnText(row.field, t) },
              { id: 'reason', header: t('import.reason'), cell: (row) => whyRefused(row, t) },
            ]}
          />
          {report.problems.length > SHOWN_PROBLEMS && (
            <p className="muted">
              {t('import.more', { count: formats.number(report.problems.length - SHOWN_PROBLEMS) })}
            </p>
          )}
        </>
      )}
    </Panel>
  );
}
