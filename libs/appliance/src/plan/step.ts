/** What a step does. */
export type Action =
  | 'create'
  | 'upload'
  | 'replace'
  | 'join'
  | 'update'
  | 'resize'
  | 'move'
  | 'start'
  | 'configure'
  | 'wait'
  | 'install'
  | 'migrate'
  | 'switch'
  | 'manage'
  | 'unmanage'
  | 'rule'
  | 'group'
  | 'remove'
  | 'smoke';

/** One thing to do. Steps form a graph; what no `after` holds back may run at the same time. */
export interface Step {
  /** Unique in its plan and stable between plans: `create:ct:300`, `wait:part:postgres`. */
  readonly id: string;
  readonly action: Action;
  /** For people: `psa-postgres-1 (CT 300)`. */
  readonly target: string;
  /** Observed → desired. */
  readonly reason: string;
  /** Ids of steps of the same plan that must have ended well before. */
  readonly after: readonly string[];
  /** Where the work is done; null when it is the cluster's. */
  readonly node: string | null;
  /** The container that it is about. */
  readonly container: number | null;
  /** Others of its group serve meanwhile, so it must leave its container healthy before the next one's turn. */
  readonly rolling: boolean;
}

/** Why a plan must not be carried out. */
export interface PlanProblem {
  readonly target: string;
  readonly message: string;
  readonly fix: string;
}

/** What is to be done, what forbids it, and what is left alone knowingly. */
export interface Plan {
  readonly steps: readonly Step[];
  /** With one of these nothing is done at all. */
  readonly problems: readonly PlanProblem[];
  /** What psactl sees and does not act on, with the reason. */
  readonly notes: readonly string[];
}

/** Collects steps; whoever names a step that never comes has not to wait for it. */
export class Steps {
  readonly #steps = new Map<string, Step>();

  /** Adds a step. @returns its id */
  add(
    action: Action,
    key: string,
    step: Pick<Step, 'target' | 'reason'> & Partial<Pick<Step, 'after' | 'node' | 'container' | 'rolling'>>,
  ): string {
    const id = `${action}:${key}`;
    const { target, reason, after = [], node = null, container = null, rolling = false } = step;
    this.#steps.set(id, { id, action, target, reason, after: [...after], node, container, rolling });
    return id;
  }

  has(id: string): boolean {
    return this.#steps.has(id);
  }

  /** Adds what must have been done before a step, if there is such a step. */
  hold(id: string, after: readonly string[]): void {
    const step = this.#steps.get(id);
    if (step) this.#steps.set(id, { ...step, after: [...step.after, ...after] });
  }

  /** Ids of all steps so far. */
  ids(): readonly string[] {
    return [...this.#steps.keys()];
  }

  /** Ids of the steps that are about a container. */
  of(container: number): readonly string[] {
    return [...this.#steps.values()].filter((step) => step.container === container).map(({ id }) => id);
  }

  /** All steps, each behind what it waits for. @throws when they wait for each other in a circle */
  ordered(): readonly Step[] {
    const done = new Set<string>();
    const ordered: Step[] = [];
    const rest = [...this.#steps.values()].map((step) => ({
      ...step,
      after: [...new Set(step.after)].filter((id) => this.#steps.has(id) && id !== step.id),
    }));
    while (ordered.length < rest.length) {
      const next = rest.filter((step) => !done.has(step.id) && step.after.every((id) => done.has(id)));
      if (next.length === 0) {
        const stuck = rest.filter((step) => !done.has(step.id)).map(({ id }) => id);
        throw new Error(`Steps wait for each other: ${stuck.join(', ')}.`);
      }
      for (const step of next) {
        done.add(step.id);
        ordered.push(step);
      }
    }
    return ordered;
  }
}
