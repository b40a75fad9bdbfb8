import { Component, type ReactNode } from 'react';
import { uiMessages } from '../i18n/ui-messages.ts';
import { Alert } from './states.tsx';

/** Holds back what a part of a page throws while it is drawn: the part says so, the rest of the page stays. */
export class WidgetBoundary extends Component<{ children: ReactNode }, { failed: boolean }> {
  override state = { failed: false };

  static getDerivedStateFromError() {
    return { failed: true };
  }

  override render() {
    if (!this.state.failed) return this.props.children;
    return <WidgetFailed onRetry={() => this.setState({ failed: false })} />;
  }
}

function WidgetFailed({ onRetry }: { onRetry: () => void }) {
  const t = uiMessages.useT();
  return (
    <Alert tone="danger">
      {t('error.widget')}{' '}
      <button type="button" className="link-button" onClick={onRetry}>
        {t('action.retry')}
      </button>
    </Alert>
  );
}
