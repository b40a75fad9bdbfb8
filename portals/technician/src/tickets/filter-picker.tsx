import ChoicePopover, { type Choice } from '@psa/ui/components/choice-popover';
import { type RefObject, useState } from 'react';
import { messages } from '../i18n/list-messages.ts';
import { CONDITIONS, type Condition, type TicketFilter, toggleValue } from './filter.ts';
import { useConditions } from './filter-conditions.ts';

const WATCHING = 'watching';

/**
 * Choice of conditions: first which, then what; typing finds both at once. Default export, so that it is loaded with
 * the popover when it is first wanted.
 */
export default function FilterPicker(props: {
  trigger: RefObject<HTMLElement | null>;
  filter: TicketFilter;
  /** Begin with this condition. */
  begin: Condition | null;
  onChange: (change: (filter: TicketFilter) => TicketFilter) => void;
  onClose: () => void;
}) {
  const t = messages.useT();
  const { filter, onChange } = props;
  const [at, setAt] = useState(props.begin);
  const conditions = useConditions(filter, true);
  const all = CONDITIONS.map((name) => conditions[name]);
  const shown = at === null ? null : conditions[at];

  function choose({ id }: Choice): void {
    // A value that was found by typing is named `condition:value`; values may hold colons themselves.
    const [name, ...rest] = id.split(':');
    if (at !== null) onChange((asked) => toggleValue(asked, at, id));
    else if (id === WATCHING) onChange((asked) => ({ ...asked, watching: !asked.watching }));
    else if (rest.length > 0) onChange((asked) => toggleValue(asked, name as Condition, rest.join(':')));
    else setAt(name as Condition);
  }

  return (
    <ChoicePopover
      trigger={props.trigger}
      label={shown?.label ?? t('list.filter_add')}
      options={
        shown?.options ?? [
          ...all.map(({ name, label, icon }) => ({ id: name, label, icon })),
          { id: WATCHING, label: t('list.watching'), chosen: filter.watching },
        ]
      }
      {...(shown?.load ? { load: shown.load } : {})}
      hidden={
        shown
          ? []
          : all.flatMap(({ name, label, options }) =>
              options.map((one) => ({ ...one, id: `${name}:${one.id}`, detail: label })),
            )
      }
      onChoose={choose}
      onClose={props.onClose}
      {...(props.begin === null && at !== null ? { onBack: () => setAt(null) } : {})}
    />
  );
}
