import { WidgetBoundary } from '@psa/ui/components/widget-boundary';
import { type ReactNode, useId } from 'react';

/** A titled part of a page. */
export function Panel({
  title,
  end,
  children,
  id,
}: {
  title: string;
  end?: ReactNode;
  children: ReactNode;
  id?: string;
}) {
  const heading = useId();
  return (
    <section className="panel" aria-labelledby={heading} id={id}>
      <div className="panel-head">
        <h2 id={heading}>{title}</h2>
        <span className="spacer" />
        {end}
      </div>
      <WidgetBoundary>{children}</WidgetBoundary>
    </section>
  );
}
