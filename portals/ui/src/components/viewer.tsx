import { type ReactNode, useEffect, useRef } from 'react';
import { Dialog as AriaDialog, Heading, Modal, ModalOverlay } from 'react-aria-components/Modal';
import { isTyping } from '../hooks/use-hotkeys.ts';
import { uiMessages } from '../i18n/ui-messages.ts';
import { IconButton } from './button.tsx';

export interface ViewerProps {
  title: string;
  /** Which of how many is shown, counted from 0. */
  index: number;
  count: number;
  onMove: (index: number) => void;
  /** Said beside the title, and of the buttons to either side. */
  place: string;
  previous: string;
  next: string;
  onClose: () => void;
  /** Beside the way out, e.g. a link to save it. */
  actions?: ReactNode;
  children: ReactNode;
}

/** One thing after the other over the whole window: ← and → move, Escape and a click beside it close. */
export function Viewer(props: ViewerProps) {
  const t = uiMessages.useT();
  const { index, count } = props;
  const move = (to: number) => to >= 0 && to < count && props.onMove(to);
  const latest = useRef(move);
  useEffect(() => {
    latest.current = move;
  });
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey || isTyping(event.target)) return;
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (step === undefined) return;
      event.preventDefault();
      latest.current(index + step);
    };
    window.addEventListener('keydown', onKeyDown);
    return () => window.removeEventListener('keydown', onKeyDown);
  }, [index]);
  return (
    <ModalOverlay
      className="modal-overlay viewer-overlay"
      isOpen
      isDismissable
      onOpenChange={(open) => !open && props.onClose()}
    >
      <Modal className="modal viewer">
        <AriaDialog className="viewer-dialog">
          <div className="viewer-head">
            <Heading slot="title" level={2}>
              {props.title}
            </Heading>
            {count > 1 && (
              <span className="muted num" aria-live="polite">
                {props.place}
              </span>
            )}
            <span className="spacer" />
            {props.actions}
            <IconButton icon="close" label={t('action.close')} onPress={props.onClose} />
          </div>
          <div className="viewer-body">
            {count > 1 && (
              <IconButton
                icon="chevronLeft"
                label={props.previous}
                isDisabled={index === 0}
                onPress={() => move(index - 1)}
              />
            )}
            <div className="viewer-stage">{props.children}</div>
            {count > 1 && (
              <IconButton
                icon="chevronRight"
                label={props.next}
                isDisabled={index === count - 1}
                onPress={() => move(index + 1)}
              />
            )}
          </div>
        </AriaDialog>
      </Modal>
    </ModalOverlay>
  );
}
