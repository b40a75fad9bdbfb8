import { useMe } from '@psa/ui/session';
import { messages } from '../i18n/messages.ts';

export function Component() {
  const t = messages.useT();
  const me = useMe();
  return (
    <div className="page">
      <title>{`${t('dashboard.title')} · ${me.tenant_name}`}</title>
      <h1>{t('dashboard.title')}</h1>
      <p className="muted">{t('dashboard.greeting', { name: me.name })}</p>
    </div>
  );
}
