import type { Priority, TicketStatus } from '@psa/app/api/types';
import { Badge } from '@psa/ui/components/pill';
import { PRIORITY_LOOK, STATUS_LOOK } from '@psa/ui/look';
import { messages } from '../i18n/messages.ts';

/** The status in the customer's words. */
export function StatusMark({ status }: { status: TicketStatus }) {
  const t = messages.useT();
  return <Badge {...STATUS_LOOK[status]}>{t(`status.${status}`)}</Badge>;
}

/** The priority in the customer's words. */
export function PriorityMark({ priority }: { priority: Priority }) {
  const t = messages.useT();
  return <Badge {...PRIORITY_LOOK[priority]}>{t(`priority.${priority}`)}</Badge>;
}
