import { Button } from '@psa/ui/components/button';
import { messages } from '../i18n/customer-messages.ts';

/** Back and forth through pages of a list. `pages` is unknown when counting stopped early. */
export function Pager(props: {
  page: number;
  pages: number | undefined;
  hasMore: boolean;
  onPage: (page: number) => void;
}) {
  const t = messages.useT();
  const { page, pages } = props;
  if (page === 1 && !props.hasMore) return null;
  return (
    <nav className="row" aria-label={t('pages')}>
      <Button isDisabled={page <= 1} onPress={() => props.onPage(page - 1)}>
        {t('previous')}
      </Button>
      <span className="muted num">
        {pages === undefined ? t('page_open', { page }) : t('page', { page, pages })}
      </span>
      <Button isDisabled={!props.hasMore} onPress={() => props.onPage(page + 1)}>
        {t('next')}
      </Button>
    </nav>
  );
}
