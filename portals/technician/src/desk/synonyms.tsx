import { ApiError } from '@psa/app/api/error';
import { ErrorText, QueryFailure } from '@psa/app/components/error-state';
import { groupsOf, linesOf } from '@psa/contracts/synonyms';
import { Button } from '@psa/ui/components/button';
import { Alert, Skeleton } from '@psa/ui/components/states';
import { TextArea } from '@psa/ui/components/text-field';
import { showToast } from '@psa/ui/toast-store';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useRef, useState } from 'react';
import { changeSynonyms, type SynonymList, synonymsQuery } from '../api/search.ts';
import { Panel } from '../components/panel.tsx';
import { messages } from '../i18n/search-messages.ts';
import { lineProblems } from './synonym-lines.ts';

const MOST_BYTES = 1_000_000;
const MOST_SHOWN = 5;

/** What a search takes for the same. */
export function Synonyms() {
  const t = messages.useT();
  const query = useQuery(synonymsQuery);
  return (
    <Panel title={t('synonyms')}>
      <p className="muted">{t('note')}</p>
      {query.isPending && <Skeleton lines={6} />}
      <QueryFailure query={query} />
      {query.data && <Editor list={query.data} />}
    </Panel>
  );
}

function Editor({ list }: { list: SynonymList }) {
  const t = messages.useT();
  const queries = useQueryClient();
  const saved = linesOf(list.groups);
  const [text, setText] = useState(saved);
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const file = useRef<HTMLInputElement>(null);
  const problems = lineProblems(text);
  const isChanged = text.trim() !== saved.trim();

  async function save(groups: string[][] | null): Promise<void> {
    setBusy(true);
    setError(null);
    try {
      const { data } = await changeSynonyms(groups, list.version);
      setText(linesOf(data.groups));
      showToast('ok', t('saved'));
      await queries.invalidateQueries({ queryKey: ['search'] });
    } catch (thrown) {
      // The next try is about the list that is there now; what was typed stays.
      if (thrown instanceof ApiError && thrown.status === 412)
        await queries.invalidateQueries({ queryKey: synonymsQuery.queryKey });
      setError(thrown);
    } finally {
      setBusy(false);
    }
  }

  async function load(chosen: File): Promise<void> {
    const bytes = chosen.size > MOST_BYTES ? null : new Uint8Array(await chosen.arrayBuffer());
    const read = bytes && decoded(bytes);
    if (read === null) showToast('danger', t('file_bad'));
    else setText(linesOf(groupsOf(read)));
  }

  return (
    <form
      noValidate
      className="stack"
      onSubmit={(event) => {
        event.preventDefault();
        if (problems.length === 0 && !busy) void save(groupsOf(text));
      }}
    >
      <TextArea label={t('lines')} value={text} onChange={setText} rows={18} />
      <p className="muted">
        {list.shipped ? t('shipped') : t('own')} {t('count', { count: groupsOf(text).length })}
      </p>
      {problems.length > 0 && (
        <Alert tone="danger">
          {problems.slice(0, MOST_SHOWN).map(({ line, text: what, problem, most }) => {
            const said = t(`problem.${problem}`, { most });
            return (
              <div key={line}>{line === null ? said : t('line', { line, text: what, problem: said })}</div>
            );
          })}
        </Alert>
      )}
      {error instanceof ApiError && error.status === 412 ? (
        <Alert tone="danger">{t('conflict')}</Alert>
      ) : (
        error !== null && (
          <Alert tone="danger">
            <ErrorText error={error} />
          </Alert>
        )
      )}
      <div className="row row-wrap">
        <Button type="submit" kind="primary" isDisabled={!isChanged || problems.length > 0 || busy}>
          {t('save')}
        </Button>
        <Button onPress={() => file.current?.click()}>{t('file_in')}</Button>
        <Button onPress={() => download(t('file_name'), `${text}\n`)}>{t('file_out')}</Button>
        {!list.shipped && (
          <Button isDisabled={busy} onPress={() => void save(null)}>
            {t('restore')}
          </Button>
        )}
        <input
          ref={file}
          type="file"
          hidden
          accept=".txt,.csv,text/plain,text/csv"
          onChange={(event) => {
            const [chosen] = event.target.files ?? [];
            event.target.value = '';
            if (chosen) void load(chosen);
          }}
        />
      </div>
    </form>
  );
}

/** As UTF-8, else as the windows-1252 that spreadsheets write; null for what is no text. */
function decoded(bytes: Uint8Array): string | null {
  if (bytes.includes(0)) return null;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder('windows-1252').decode(bytes);
  }
}

function download(name: string, text: string): void {
  const address = URL.createObjectURL(new Blob([text], { type: 'text/plain;charset=utf-8' }));
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  link.click();
  URL.revokeObjectURL(address);
}
