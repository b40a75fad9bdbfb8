import { useMe } from '@psa/ui/session';
import { messages } from '../i18n/messages.ts';

export function Component() {
  const t = messages.useT();
  const me = useMe();
  return (
    <div className="page">
      <title>{`${t('tickets.title')} · ${me.tenant_name}`}</title>
      <h1>{t('tickets.title')}</h1>
      <p className="muted">{t('tickets.greeting', { name: me.name })}</p>
    </div>
  );
}
