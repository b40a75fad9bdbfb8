import { Button } from '@psa/ui/components/button';
import { Icon } from '@psa/ui/components/icon';
import { Alert } from '@psa/ui/components/states';
import { useCountdown } from '@psa/ui/hooks/use-countdown';
import { useFormats } from '@psa/ui/i18n/format';
import { uiMessages } from '@psa/ui/i18n/ui-messages';
import { ApiError } from '../api/error.ts';
import { describeError } from '../api/error-text.ts';

/** Something failed: what, how long to wait, the number to quote, and a way to try again. */
export function ErrorState({
  error,
  onRetry,
  isRetrying,
  title,
  heading: Heading = 'h2',
}: {
  error: unknown;
  onRetry?: () => void;
  isRetrying?: boolean;
  title?: string;
  /** `h1` where it stands for the whole page. */
  heading?: 'h1' | 'h2';
}) {
  const t = uiMessages.useT();
  const api = error instanceof ApiError ? error : null;
  return (
    <div className="state" role="alert">
      <Icon name={api?.unreachable ? 'cloudOff' : 'alert'} />
      <Heading>{title ?? t('error.title')}</Heading>
      <p>
        <ErrorText error={error} />
      </p>
      {api?.requestId && <p className="mono">{t('error.request_id', { id: api.requestId })}</p>}
      {onRetry && (
        <Button icon="refresh" isPending={isRetrying ?? false} onPress={onRetry}>
          {t('action.retry')}
        </Button>
      )}
    </div>
  );
}

/** The words for an error. A wait in them is counted down for the eye; a screen reader hears it once. */
export function ErrorText({ error }: { error: unknown }) {
  const t = uiMessages.useT();
  const formats = useFormats();
  const { retryAt, retryAfter } = error instanceof ApiError ? error : { retryAt: null, retryAfter: null };
  const left = useCountdown(retryAt);
  if (retryAt === null || retryAfter === null) return describeError(error, t, formats);
  if (left === 0) return t('error.wait_over');
  return (
    <>
      <span aria-hidden="true">{describeError(error, t, formats, retryAt - left)}</span>
      <span className="visually-hidden">{describeError(error, t, formats, retryAt - retryAfter * 1000)}</span>
    </>
  );
}

/** What TanStack tells of a query, as far as its failure goes. */
export interface FailingQuery {
  isError: boolean;
  error: unknown;
  data: unknown;
  isFetching: boolean;
  refetch: () => unknown;
}

/**
 * Stands where a query's data stand. Nothing was loaded: says what failed. Something was: it stays, with a word that it
 * could not be read anew.
 */
export function QueryFailure({ query, title }: { query: FailingQuery; title?: string }) {
  const t = uiMessages.useT();
  if (!query.isError) return null;
  const retry = () => void query.refetch();
  if (query.data !== undefined) {
    return (
      <Alert tone="warn">
        {t('error.stale')} <ErrorText error={query.error} />{' '}
        <button type="button" className="link-button" onClick={retry}>
          {t('action.retry')}
        </button>
      </Alert>
    );
  }
  return (
    <ErrorState
      error={query.error}
      onRetry={retry}
      isRetrying={query.isFetching}
      {...(title === undefined ? {} : { title })}
    />
  );
}
