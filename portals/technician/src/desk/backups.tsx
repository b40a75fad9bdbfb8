import type { BackupReport } from '@psa/app/api/types';
import { QueryFailure } from '@psa/app/components/error-state';
import { Badge } from '@psa/ui/components/pill';
import { Alert, Skeleton } from '@psa/ui/components/states';
import { Table } from '@psa/ui/components/table';
import { useFormats } from '@psa/ui/i18n/format';
import { useQuery } from '@tanstack/react-query';
import { backupReportsQuery } from '../api/desk.ts';
import { Panel } from '../components/panel.tsx';
import { backupMessages } from '../i18n/backup-messages.ts';
import { findingText, newestProven, seriesName, staleMs } from './backup-texts.ts';

/** How the backups of the appliance are, for administrators, as psactl reported it last. */
export function Backups() {
  const t = backupMessages.useT();
  const reports = useQuery(backupReportsQuery);
  return (
    <>
      <Panel title={t('title')}>
        <p className="muted">{t('note')}</p>
        {reports.isPending && <Skeleton lines={5} />}
        <QueryFailure query={reports} />
        {reports.data?.length === 0 && <Alert tone="info">{t('none')}</Alert>}
      </Panel>
      {reports.data?.map((report) => (
        <Site key={report.site} report={report} />
      ))}
    </>
  );
}

function Site({ report }: { report: BackupReport }) {
  const t = backupMessages.useT();
  const formats = useFormats();
  const stale = staleMs(report.at, Date.now());
  const proven = newestProven(report.series);
  const moment = (at: string | null, none: string) =>
    at === null ? none : <time dateTime={at} title={formats.dateTime(at)}>{`${formats.relative(at)}`}</time>;
  return (
    <Panel
      title={report.site}
      end={<span className="muted">{t('seen', { when: formats.dateTime(report.at) })}</span>}
    >
      <div className="stack">
        {stale !== null && <Alert tone="warn">{t('stale', { age: formats.duration(stale) })}</Alert>}
        {report.findings.length === 0 ? (
          stale === null && <Alert tone="ok">{t('fine')}</Alert>
        ) : (
          <Table
            caption={t('findings')}
            rows={report.findings}
            rowKey={({ kind, series, text }) => `${kind} ${series} ${text}`}
            columns={[
              {
                id: 'severity',
                header: t('severity'),
                cell: ({ severity }) => (
                  <Badge tone={severity === 'critical' ? 'danger' : 'warn'} icon="alert">
                    {t(severity)}
                  </Badge>
                ),
              },
              { id: 'what', header: t('what'), rowHeader: true, cell: (one) => findingText(one, t, formats) },
            ]}
          />
        )}
        <p>
          {proven === null
            ? t('never_proven')
            : t('newest_proven', { series: seriesName(proven.series, t), when: formats.relative(proven.at) })}
        </p>
        <Table
          caption={t('table', { site: report.site })}
          rows={report.series}
          rowKey={({ series }) => series}
          columns={[
            {
              id: 'series',
              header: t('series'),
              rowHeader: true,
              cell: ({ series }) => seriesName(series, t),
            },
            {
              id: 'good',
              header: t('good'),
              cell: ({ newest_good }) => moment(newest_good?.at ?? null, t('absent')),
            },
            {
              id: 'size',
              header: t('size'),
              align: 'end',
              cell: ({ newest_good }) => (newest_good === null ? '' : formats.bytes(newest_good.bytes)),
            },
            {
              id: 'proven',
              header: t('proven'),
              cell: ({ newest_proven }) => moment(newest_proven?.at ?? null, t('absent')),
            },
            { id: 'proof', header: t('proof'), cell: (one) => moment(one.last_proof_at, t('never')) },
            {
              id: 'outside',
              header: t('outside'),
              cell: (one) => moment(one.newest_outside_at, t('absent')),
            },
          ]}
        />
        {report.drills.length > 0 && <Drills drills={report.drills} />}
      </div>
    </Panel>
  );
}

const OUTCOMES = {
  drill_passed: { tone: 'ok', icon: 'circleCheck' },
  drill_failed: { tone: 'danger', icon: 'alert' },
  drill_cut: { tone: 'warn', icon: 'alert' },
} as const;

function Drills({ drills }: { drills: BackupReport['drills'] }) {
  const t = backupMessages.useT();
  const formats = useFormats();
  return (
    <Table
      caption={t('drills')}
      rows={drills}
      rowKey={({ what }) => what}
      columns={[
        { id: 'what', header: t('drill'), rowHeader: true, cell: ({ what }) => seriesName(what, t) },
        {
          id: 'outcome',
          header: t('outcome'),
          cell: ({ ok }) => {
            const outcome = ok === true ? 'drill_passed' : ok === false ? 'drill_failed' : 'drill_cut';
            return <Badge {...OUTCOMES[outcome]}>{t(outcome)}</Badge>;
          },
        },
        {
          id: 'at',
          header: t('last'),
          cell: ({ at }) => (
            <time dateTime={at} title={formats.dateTime(at)}>
              {formats.relative(at)}
            </time>
          ),
        },
      ]}
    />
  );
}
