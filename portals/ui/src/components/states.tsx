import type { CSSProperties, ReactNode } from 'react';
import { useOfflineSince, useOnline } from '../hooks/use-online.ts';
import { useFormats } from '../i18n/format.ts';
import { uiMessages } from '../i18n/ui-messages.ts';
import { Icon, type IconName } from './icon.tsx';

/** Nothing there: says why and offers the next step. */
export function EmptyState(props: {
  title?: string;
  children?: ReactNode;
  icon?: IconName;
  action?: ReactNode;
  /** `h1` where it stands for the whole page. */
  heading?: 'h1' | 'h2';
}) {
  const t = uiMessages.useT();
  const Heading = props.heading ?? 'h2';
  return (
    <div className="state">
      <Icon name={props.icon ?? 'inbox'} />
      <Heading>{props.title ?? t('empty.title')}</Heading>
      {props.children && <p>{props.children}</p>}
      {props.action}
    </div>
  );
}

/** A message inside a page or form. `role` alert is announced at once. */
export function Alert({ tone, children }: { tone: 'info' | 'ok' | 'warn' | 'danger'; children: ReactNode }) {
  const icon: IconName = tone === 'ok' ? 'circleCheck' : tone === 'info' ? 'info' : 'alert';
  return (
    <div className={`alert tone-${tone}`} role={tone === 'danger' ? 'alert' : 'status'}>
      <Icon name={icon} />
      <div>{children}</div>
    </div>
  );
}

/** Grey bars where text will stand; `lines` of varying width. The place that loads says so with aria-busy. */
export function Skeleton({ lines = 1, width }: { lines?: number; width?: string }) {
  const widths = ['92%', '78%', '85%', '64%'];
  return (
    <span aria-hidden="true" className={lines > 1 ? 'stack' : undefined}>
      {Array.from({ length: lines }, (_, line) => {
        const style: CSSProperties = { width: width ?? widths[line % widths.length] };
        // biome-ignore lint/suspicious/noArrayIndexKey: the bars are alike and never move
        return <span key={line} className="skeleton" style={style} />;
      })}
    </span>
  );
}

/** Always in the page as a live region; speaks and shows only without a network, and says since when. */
export function OfflineBanner() {
  const t = uiMessages.useT();
  const formats = useFormats();
  const since = useOfflineSince();
  return (
    <div role="status">
      {since !== null && (
        <div className="banner tone-warn">
          <Icon name="cloudOff" />
          {t('offline.banner', { time: formats.time(since) })}
        </div>
      )}
    </div>
  );
}

export type SaveStatus = 'idle' | 'saving' | 'saved' | 'failed' | 'offline';

const SAVE_ICON: Record<Exclude<SaveStatus, 'idle'>, IconName> = {
  saving: 'refresh',
  saved: 'check',
  failed: 'alert',
  offline: 'cloudOff',
};

/** Tells honestly how far a change has got. */
export function SaveState({ status: told, onRetry }: { status: SaveStatus; onRetry?: () => void }) {
  const t = uiMessages.useT();
  const online = useOnline();
  // The line is back: what was not saved without it is still not saved, but no longer for want of it.
  const status = told === 'offline' && online ? 'failed' : told;
  return (
    <span className={`save-state save-state-${status}`} role="status">
      {status !== 'idle' && (
        <>
          <Icon name={SAVE_ICON[status]} />
          {t(`save.${status}`)}
          {onRetry && (status === 'failed' || status === 'offline') && (
            <button type="button" className="link-button" onClick={onRetry}>
              {t('action.retry')}
            </button>
          )}
        </>
      )}
    </span>
  );
}
