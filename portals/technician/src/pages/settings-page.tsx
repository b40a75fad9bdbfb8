import { Link, Navigate, useParams } from '@psa/app/router';
import { may, useMe } from '@psa/app/session/session';
import { Skeleton } from '@psa/ui/components/states';
import { type ComponentType, lazy, Suspense } from 'react';
import { messages } from '../i18n/settings-messages.ts';

const Account = lazy(() => import('../desk/account.tsx').then((m) => ({ default: m.Account })));
const Teams = lazy(() => import('../desk/teams.tsx').then((m) => ({ default: m.Teams })));
const Technicians = lazy(() => import('../desk/teams.tsx').then((m) => ({ default: m.Technicians })));
const SlaPolicies = lazy(() => import('../desk/sla.tsx').then((m) => ({ default: m.SlaPolicies })));
const Calendars = lazy(() => import('../desk/calendars.tsx').then((m) => ({ default: m.Calendars })));
const Categories = lazy(() => import('../desk/categories.tsx').then((m) => ({ default: m.Categories })));
const Rules = lazy(() => import('../desk/rules.tsx').then((m) => ({ default: m.Rules })));
const Storage = lazy(() => import('../desk/storage.tsx').then((m) => ({ default: m.Storage })));
const Users = lazy(() => import('../desk/users.tsx').then((m) => ({ default: m.Users })));
const Roles = lazy(() => import('../desk/roles.tsx').then((m) => ({ default: m.Roles })));
const Backups = lazy(() => import('../desk/backups.tsx').then((m) => ({ default: m.Backups })));
const Synonyms = lazy(() => import('../desk/synonyms.tsx').then((m) => ({ default: m.Synonyms })));
const ApiKeys = lazy(() => import('../desk/keys.tsx').then((m) => ({ default: m.ApiKeys })));

const GROUPS = ['own', 'desk', 'access', 'platform'] as const;
const SECTIONS = [
  { id: 'account', group: 'own', needs: 'self:manage', Part: Account },
  { id: 'keys', group: 'own', needs: 'self:manage', Part: ApiKeys },
  { id: 'technicians', group: 'desk', needs: 'desk:manage', Part: Technicians },
  { id: 'teams', group: 'desk', needs: 'desk:manage', Part: Teams },
  { id: 'rules', group: 'desk', needs: 'desk:manage', Part: Rules },
  { id: 'sla', group: 'desk', needs: 'desk:manage', Part: SlaPolicies },
  { id: 'calendars', group: 'desk', needs: 'desk:manage', Part: Calendars },
  { id: 'categories', group: 'desk', needs: 'desk:manage', Part: Categories },
  { id: 'search', group: 'desk', needs: 'search:manage', Part: Synonyms },
  { id: 'users', group: 'access', needs: 'user:create', Part: Users },
  { id: 'roles', group: 'access', needs: 'role:view', Part: Roles },
  { id: 'storage', group: 'platform', needs: 'desk:manage', Part: Storage },
  { id: 'backups', group: 'platform', needs: 'backup:view', Part: Backups },
] as const satisfies readonly {
  id: string;
  group: (typeof GROUPS)[number];
  needs: string;
  Part: ComponentType;
}[];

/** Settings by section; everyone has an account, the rest is for those who run the desk. */
export function Component() {
  const t = messages.useT();
  const me = useMe();
  const { section = 'account' } = useParams();
  const open = SECTIONS.filter(({ needs }) => may(me, needs));
  const current = open.find(({ id }) => id === section);
  if (!current) return <Navigate to="/settings/account" replace />;
  return (
    <div className="page">
      <title>{`${t(current.id)} · ${t('title')} · ${me.tenant_name}`}</title>
      <h1>{t('title')}</h1>
      <div className="settings">
        {open.length > 1 && (
          <nav className="settings-sections" aria-label={t('sections')}>
            {GROUPS.map((group) => {
              const members = open.filter((section) => section.group === group);
              if (members.length === 0) return null;
              return (
                <section key={group} className="settings-group" aria-labelledby={`group-${group}`}>
                  <h2 id={`group-${group}`}>{t(`group.${group}`)}</h2>
                  {members.map(({ id }) => (
                    <Link
                      key={id}
                      to={`/settings/${id}`}
                      aria-current={id === current.id ? 'page' : undefined}
                    >
                      {t(id)}
                    </Link>
                  ))}
                </section>
              );
            })}
          </nav>
        )}
        <div className="stack settings-body">
          <Suspense fallback={<Waiting />}>
            <current.Part />
          </Suspense>
        </div>
      </div>
    </div>
  );
}

function Waiting() {
  return (
    <div className="panel" aria-busy="true">
      <Skeleton lines={6} />
    </div>
  );
}
