import { AuthFrame } from '@psa/ui/components/auth-frame';
import { Button } from '@psa/ui/components/button';
import type { IconName } from '@psa/ui/components/icon';
import { EmptyState } from '@psa/ui/components/states';
import { uiMessages } from '@psa/ui/i18n/ui-messages';
import { useEffect, useRef, useState } from 'react';
import { ApiError, isUnknownAddress } from '../api/error.ts';
import { isLostCode, reloadOnce } from '../lost-code.ts';
import { Link, useRevalidator, useRouteError } from '../router.tsx';
import { ErrorState } from './error-state.tsx';

/** For a page that threw: while loading its data, its code (a new release removed the old files) or rendering. */
export function RouteError() {
  const error = useRouteError();
  const t = uiMessages.useT();
  const isLost = isLostCode(error);
  const [isReloading, setReloading] = useState(isLost);
  useEffect(() => {
    if (isLostCode(error)) setReloading(reloadOnce(error));
  }, [error]);
  if (isUnknownAddress(error)) return <NoPage icon="search" what="page_missing" />;
  if (error instanceof ApiError && error.code === 'PERMISSION_DENIED')
    return <NoPage icon="lock" what="page_denied" />;
  if (error instanceof ApiError) return <LoadError error={error} />;
  if (isLost && isReloading) return <Starting />;
  return (
    <div className="state" role="alert">
      <h1>{t('error.page_title')}</h1>
      <p>{t(isLost ? 'error.lost_code' : 'error.unknown')}</p>
      <Button icon="refresh" onPress={() => window.location.reload()}>
        {t('error.reload')}
      </Button>
    </div>
  );
}

/** Data that did not come: asks once more when the server wants to be asked again, and when the network is back. */
function LoadError({ error }: { error: ApiError }) {
  const { revalidate, state } = useRevalidator();
  const { retryAt } = error;
  const askedAgain = useRef(false);
  useEffect(() => {
    const again = () => void revalidate();
    window.addEventListener('online', again);
    const once = () => {
      askedAgain.current = true;
      again();
    };
    const timer =
      retryAt === null || askedAgain.current
        ? undefined
        : setTimeout(once, Math.max(0, retryAt - Date.now()) + 200);
    return () => {
      window.removeEventListener('online', again);
      clearTimeout(timer);
    };
  }, [retryAt, revalidate]);
  return (
    <ErrorState
      error={error}
      heading="h1"
      isRetrying={state === 'loading'}
      onRetry={() => void revalidate()}
    />
  );
}

/** The same where not even the frame of the portal could be loaded: with the brand and the ways that are open. */
export function RootError(props: {
  brand: string;
  logo: string;
  links: readonly (readonly [string, string])[];
}) {
  const t = uiMessages.useT();
  return (
    <AuthFrame title={t('error.title')} brand={props.brand} logo={props.logo}>
      <div className="login-card">
        <RouteError />
        <nav className="row row-wrap" aria-label={t('nav.main')}>
          {props.links.map(([to, label]) => (
            <Link key={to} className="link-button" to={to}>
              {label}
            </Link>
          ))}
        </nav>
      </div>
    </AuthFrame>
  );
}

/** Until the first page is there: nothing for a moment, then a word. */
export function Starting() {
  const t = uiMessages.useT();
  return (
    <div className="starting" role="status">
      <span className="spinner" aria-hidden="true" />
      {t('error.starting')}
    </div>
  );
}

/** Nothing to see here, and trying again would not help. */
function NoPage({ icon, what }: { icon: IconName; what: 'page_missing' | 'page_denied' }) {
  const t = uiMessages.useT();
  return (
    <EmptyState
      icon={icon}
      heading="h1"
      title={t(`error.${what}_title`)}
      action={
        <Link className="button" to="/">
          {t('error.home')}
        </Link>
      }
    >
      {t(`error.${what}`)}
    </EmptyState>
  );
}
