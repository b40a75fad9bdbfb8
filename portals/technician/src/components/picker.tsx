import type { IconName } from '@psa/ui/components/icon';
import { lazy, Suspense } from 'react';

const CommandPalette = lazy(() => import('@psa/ui/components/command-palette').then((m) => m));

export interface PickOption {
  id: string;
  label: string;
  icon?: IconName;
  detail?: string;
}

/** Choice of one by typing a few letters and Enter: the quick way to a status, a priority, a person. */
export function Picker(props: {
  title: string;
  options: readonly PickOption[];
  onPick: (id: string) => void;
  onClose: () => void;
}) {
  return (
    <Suspense>
      <CommandPalette
        title={props.title}
        placeholder={`${props.title} …`}
        onClose={props.onClose}
        commands={props.options.map((option) => ({
          id: option.id,
          title: option.label,
          ...(option.icon ? { icon: option.icon } : {}),
          ...(option.detail ? { detail: option.detail } : {}),
          run: () => props.onPick(option.id),
        }))}
      />
    </Suspense>
  );
}
