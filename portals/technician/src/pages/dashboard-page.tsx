import { useMe } from '@psa/ui/session';
import { messages } from '../i18n/messages.ts';

export function Component() {
  const t = messages.useT();
  const me = useMe();
  return (
    <div className="page">
      <title>{`${t('nav.dashboard')} · ${me.tenant_name}`}</title>
      <h1>{t('nav.dashboard')}</h1>
      <p className="muted">{me.name}</p>
    </div>
  );
}
