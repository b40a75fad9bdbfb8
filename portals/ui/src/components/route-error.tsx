import { isRouteErrorResponse, Link, useRouteError } from 'react-router';
import { ApiError, isUnknownAddress } from '../api-error.ts';
import { uiMessages } from '../i18n/ui-messages.ts';
import { Button } from './button.tsx';
import { EmptyState, ErrorState } from './states.tsx';

/** For a page that threw: while loading its data, its code (a new release removed the old files) or rendering. */
export function RouteError() {
  const error = useRouteError();
  const t = uiMessages.useT();
  if (isRouteErrorResponse(error) && error.status === 404) return <NotFound />;
  if (isUnknownAddress(error)) return <NotFound />;
  if (error instanceof ApiError) return <ErrorState error={error} onRetry={() => window.location.reload()} />;
  return (
    <div className="state" role="alert">
      <h2>{t('error.page_title')}</h2>
      <p>{error instanceof Error ? error.message : t('error.unknown')}</p>
      <Button icon="refresh" onPress={() => window.location.reload()}>
        {t('error.reload')}
      </Button>
    </div>
  );
}

export function NotFound() {
  const t = uiMessages.useT();
  return (
    <EmptyState
      icon="search"
      heading="h1"
      title={t('error.page_missing_title')}
      action={
        <Link className="button button-plain" to="/">
          {t('error.home')}
        </Link>
      }
    >
      {t('error.page_missing')}
    </EmptyState>
  );
}
