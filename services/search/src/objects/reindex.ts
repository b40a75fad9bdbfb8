import type { Tx } from '@psa/service-kit/database';
import type { ServiceDeps } from '@psa/service-kit/service';
import { setTimer, type TimerHandler, timerWorker } from '@psa/service-kit/timers';
import { putObjects } from './consumer.ts';
import { DOCUMENT_FORM } from './domain.ts';
import { objectsAfter } from './repository.ts';

const KIND = 'reindex';
/** Set by the migration that brings a form: a process that does not know the form leaves it to those that do. */
const FORM_KIND = `reindex_form_${DOCUMENT_FORM}`;
const PAGE = 500;

interface Place {
  readonly type: string;
  readonly id: string;
}

/** Begins filling the index anew from what is stored here. One at a time per tenant: a second call begins again. */
export function startReindex(tx: Tx, tenantId: string, now: Date): Promise<void> {
  return setTimer(tx, { tenant_id: tenantId, kind: KIND, key: 'all', due_at: now, payload: { after: null } });
}

/** Puts page after page; where it stands is in a timer, so that it goes on after a crash. */
export function reindexWorker(deps: ServiceDeps) {
  const page: TimerHandler = async (tx, timer) => {
    const after = timer.payload.after as Place | null;
    const objects = await objectsAfter(tx, timer.tenant_id, after, PAGE);
    await putObjects(deps, tx, timer.tenant_id, objects);
    const last = objects.at(-1)?.object;
    if (objects.length < PAGE || !last) {
      deps.log.info({ tenant_id: timer.tenant_id }, 'search index filled anew');
      return;
    }
    await setTimer(tx, {
      ...timer,
      due_at: deps.clock.now(),
      payload: { after: { type: last.type, id: last.id } },
    });
  };
  return timerWorker({
    db: deps.db,
    clock: deps.clock,
    log: deps.log,
    handlers: { [KIND]: page, [FORM_KIND]: page },
  });
}
