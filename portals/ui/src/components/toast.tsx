import { useEffect, useRef, useSyncExternalStore } from 'react';
import { uiMessages } from '../i18n/ui-messages.ts';
import {
  dismissToast,
  holdToasts,
  releaseToasts,
  subscribeToasts,
  type ToastTone,
  toasts,
} from '../toast-store.ts';
import { Button, IconButton } from './button.tsx';
import { Icon, type IconName } from './icon.tsx';

const ICONS: Record<ToastTone, IconName> = {
  ok: 'circleCheck',
  info: 'info',
  warn: 'alert',
  danger: 'alert',
};

/**
 * Shows the toasts. Both live regions stand in the page from the start, because one that appears together
 * with its text is not read out. Hover or focus stops the clock. They take room of their own below the
 * navigation, on a phone below the page, and dialogs keep clear of them (`--toasts`): none lies over a button.
 */
export function ToastRegion() {
  const t = uiMessages.useT();
  const list = useSyncExternalStore(subscribeToasts, toasts);
  const render = (urgent: boolean) =>
    list
      .filter((toast) => (toast.tone === 'danger') === urgent)
      .map((toast) => (
        <div key={toast.id} className="toast">
          <Icon name={ICONS[toast.tone]} className={`toast-${toast.tone}`} />
          <div className="toast-body">
            {toast.text}
            {toast.times > 1 && <span className="muted"> {t('toast.times', { times: toast.times })}</span>}
          </div>
          {toast.action && (
            <span className="toast-action">
              <Button
                kind="quiet"
                onPress={() => {
                  toast.action?.run();
                  dismissToast(toast.id);
                }}
              >
                {toast.action.label}
              </Button>
            </span>
          )}
          <IconButton icon="close" label={t('toast.dismiss')} onPress={() => dismissToast(toast.id)} />
        </div>
      ));
  const region = useRef<HTMLElement>(null);
  useEffect(() => {
    const element = region.current;
    if (!element) return;
    const { style } = document.documentElement;
    const measure = new ResizeObserver(() => style.setProperty('--toasts', `${element.offsetHeight}px`));
    measure.observe(element);
    return () => {
      measure.disconnect();
      style.removeProperty('--toasts');
    };
  }, []);
  return (
    <section
      ref={region}
      className="toasts"
      // An open dialog leaves it to be read and pressed, and does not close by that.
      data-react-aria-top-layer="true"
      aria-label={t('toast.region')}
      onMouseEnter={holdToasts}
      onMouseLeave={releaseToasts}
      onFocus={holdToasts}
      onBlur={releaseToasts}
    >
      <div aria-live="polite" aria-relevant="additions">
        {render(false)}
      </div>
      <div role="alert" aria-relevant="additions">
        {render(true)}
      </div>
    </section>
  );
}
