import { contains, needles, searchText } from '@psa/domain/search-text';
import { emailForms } from '@psa/service-kit/contact-forms';
import type { Tx } from '@psa/service-kit/database';
import type { ServiceDeps } from '@psa/service-kit/service';
import { setTimer, type TimerHandler } from '@psa/service-kit/timers';

/** What a user is found by. */
export const userSearchText = (user: { name: string; email: string }): string =>
  searchText([user.name, ...emailForms(user.email)]);

/** Filters of `search=` for users under the alias `u`: every word must occur. */
export function userSearchFilters({ sql }: Tx, search: string | undefined) {
  const text = sql`coalesce(u.search_text, lower(u.name || ' ' || u.email))`;
  return needles(search ?? '').map(
    ({ plain, german }) => sql`(${text} like ${contains(plain)} or ${text} like ${contains(german)})`,
  );
}

const KIND = 'user_search_text';
const PAGE = 500;

/** Fills in what users of earlier releases are found by (migration 005), a page at a time. */
export function searchTextHandlers(deps: Pick<ServiceDeps, 'clock'>): Record<string, TimerHandler> {
  return {
    [KIND]: async (tx, timer) => {
      const rows = await tx.sql<{ id: string; name: string; email: string }[]>`
        select id, name, email from users
        where tenant_id = ${timer.tenant_id} and search_text is null and deleted_at is null
        order by id limit ${PAGE} for no key update`;
      await tx.sql`
        update users u set search_text = n.text
        from unnest(${rows.map((row) => row.id)}::uuid[], ${rows.map(userSearchText)}::text[]) as n(id, text)
        where u.tenant_id = ${timer.tenant_id} and u.id = n.id`;
      if (rows.length === PAGE) await setTimer(tx, { ...timer, due_at: deps.clock.now() });
    },
  };
}
