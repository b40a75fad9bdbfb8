import type { Priority } from '@psa/app/api/types';
import { messages } from '../i18n/messages.ts';
import { PRIORITIES } from '../limits.ts';

/** How urgent it is, each choice with an example of what it means. */
export function PriorityChoice({
  value,
  onChange,
}: {
  value: Priority;
  onChange: (value: Priority) => void;
}) {
  const t = messages.useT();
  return (
    <fieldset className="choice">
      <legend className="label">{t('new.priority')}</legend>
      <div className="choice-options">
        {PRIORITIES.map((priority) => (
          <label key={priority} className="choice-option">
            <input
              type="radio"
              name="priority"
              value={priority}
              checked={priority === value}
              onChange={() => onChange(priority)}
              aria-describedby={`priority-${priority}`}
            />
            <span className="choice-name">{t(`priority.${priority}`)}</span>
            <span id={`priority-${priority}`} className="hint">
              {t(`priority_hint.${priority}`)}
            </span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}
