import ChoicePopover from '@psa/ui/components/choice-popover';
import type { RefObject } from 'react';
import { messages } from '../i18n/list-messages.ts';
import { OPTIONAL, type OptionalColumn } from './columns.tsx';

const LABELS = {
  priority: 'priority',
  status: 'status',
  customer: 'customer',
  assigned_to: 'assignee',
  sla_due: 'due',
  category: 'category',
  team: 'team',
  created_at: 'created',
  updated_at: 'updated',
} as const satisfies Record<OptionalColumn, string>;

/** Choice of columns. Default export, so that it is loaded with the popover when it is first wanted. */
export default function ColumnPicker(props: {
  trigger: RefObject<HTMLElement | null>;
  chosen: readonly OptionalColumn[];
  onToggle: (name: OptionalColumn) => void;
  onClose: () => void;
}) {
  const t = messages.useT();
  return (
    <ChoicePopover
      trigger={props.trigger}
      label={t('list.columns')}
      options={OPTIONAL.map((id) => ({
        id,
        label: t(`list.${LABELS[id]}`),
        chosen: props.chosen.includes(id),
      }))}
      onChoose={({ id }) => props.onToggle(id as OptionalColumn)}
      onClose={props.onClose}
    />
  );
}
