import { EmptyState, Skeleton } from '@psa/ui/components/states';
import { useOnline } from '@psa/ui/hooks/use-online';
import { messages } from '../i18n/messages.ts';

/** Where something is being loaded: grey lines; without a network a word that it will come later. */
export function Loading({ lines }: { lines: number }) {
  const t = messages.useT();
  if (!useOnline()) {
    return (
      <EmptyState icon="cloudOff" title={t('offline.title')}>
        {t('offline.later')}
      </EmptyState>
    );
  }
  return (
    <div className="card" aria-busy="true">
      <Skeleton lines={lines} />
    </div>
  );
}
