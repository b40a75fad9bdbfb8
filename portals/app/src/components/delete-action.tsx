import { Button, IconButton } from '@psa/ui/components/button';
import { uiMessages } from '@psa/ui/i18n/ui-messages';
import { lazy, Suspense, useRef, useState } from 'react';
import { useTellError } from '../use-tell-error.ts';

const loadDialog = () => import('@psa/ui/components/dialog');
const ConfirmDialog = lazy(async () => ({ default: (await loadDialog()).ConfirmDialog }));

export interface DeleteActionProps {
  /** Says what goes and what stays. */
  question: string;
  onDelete: () => Promise<void>;
  /** What is done, on the button and in the question; default "Delete". */
  verb?: string;
  /** Name of a button that is a sign alone, as in a list of things. */
  label?: string;
}

/**
 * Does away with something after having asked. A failure is told and the question closed. The focus returns to the button,
 * or to what the button stood in when it went with the thing.
 */
export function DeleteAction({ question, onDelete, verb, label }: DeleteActionProps) {
  const t = uiMessages.useT();
  const tellError = useTellError();
  const button = useRef<HTMLButtonElement>(null);
  const [asking, setAsking] = useState(false);
  const [pending, setPending] = useState(false);
  const word = verb ?? t('action.delete');
  const press = {
    ref: button,
    icon: 'trash',
    kind: 'quiet',
    // The question comes with the machinery of dialogs, which a page without one has no need of.
    onPress: () => void loadDialog().then(() => setAsking(true), tellError),
  } as const;
  async function confirm(): Promise<void> {
    const around = placesAround(button.current);
    setPending(true);
    try {
      await onDelete();
      keepFocus(around);
    } catch (error) {
      tellError(error);
    }
    setPending(false);
    setAsking(false);
  }
  return (
    <>
      {label ? <IconButton {...press} label={label} /> : <Button {...press}>{word}</Button>}
      {asking && (
        <Suspense>
          <ConfirmDialog
            title={label ?? word}
            isOpen
            danger
            isPending={pending}
            confirmLabel={word}
            onClose={() => setAsking(false)}
            onConfirm={() => void confirm()}
          >
            {question}
          </ConfirmDialog>
        </Suspense>
      )}
    </>
  );
}

/** What may take the focus around an element, the nearest first; the page's content at the end. */
function placesAround(element: Element | null): HTMLElement[] {
  const places: HTMLElement[] = [];
  for (let at = element?.closest<HTMLElement>('[tabindex="-1"]'); at; ) {
    places.push(at);
    at = at.parentElement?.closest<HTMLElement>('[tabindex="-1"]');
  }
  const content = document.querySelector<HTMLElement>('main');
  return content ? [...places, content] : places;
}

/** Once dialogs have given the focus back: where nothing was left to take it, the nearest place that is still there does. */
function keepFocus(places: readonly HTMLElement[]): void {
  const later = (run: () => void) => requestAnimationFrame(() => requestAnimationFrame(run));
  later(() => {
    if (document.activeElement && document.activeElement !== document.body) return;
    places.find((place) => place.isConnected)?.focus({ preventScroll: true });
  });
}
