import { Icon } from '@psa/ui/components/icon';
import { useCountdown } from '@psa/ui/hooks/use-countdown';
import { useFormats } from '@psa/ui/i18n/format';
import { uiMessages } from '@psa/ui/i18n/ui-messages';
import { useSyncExternalStore } from 'react';
import { formatWait, limitText } from '../api/error-text.ts';
import { limitMet, subscribeLimit } from '../api/limit.ts';

/** Always in the page as a live region; says which limit was met while no more reads are taken, and the seconds left. */
export function LimitBanner() {
  const t = uiMessages.useT();
  const formats = useFormats();
  const { until, name } = useSyncExternalStore(subscribeLimit, limitMet);
  const left = useCountdown(until);
  return (
    <div role="status">
      {left > 0 && (
        <div className="banner tone-warn">
          <Icon name="clock" />
          {limitText(name, t)} {t('error.stale')}
          <span className="num" aria-hidden="true">
            {t('limit.left', { wait: formatWait(Math.ceil(left / 1000), formats) })}
          </span>
        </div>
      )}
    </div>
  );
}
