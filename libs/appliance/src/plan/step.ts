/** What can be done to one container. `ready`: waits until its service is; `schedule`: puts psactl and its timers there. */
export type ContainerDeed =
  | 'create'
  | 'replace'
  | 'remove'
  | 'join'
  | 'update'
  | 'resize'
  | 'move'
  | 'start'
  | 'install'
  | 'switch'
  | 'configure'
  | 'ready'
  | 'manage'
  | 'unmanage'
  | 'schedule';

/** What a step does, and to what. */
export type Deed =
  | { readonly kind: ContainerDeed; readonly container: number }
  /**
   * Drains, exchanges and brings back one replica after the other, as `psactl deploy` does. `beside`: others of their
   * services, which must serve meanwhile and are not touched by it.
   */
  | { readonly kind: 'rollout'; readonly replicas: readonly number[]; readonly beside: readonly number[] }
  /** The tables of a release, made by the container that has it. */
  | { readonly kind: 'migrate'; readonly release: string; readonly container: number }
  /** A template archive, by its key in `Desired.templates`. */
  | { readonly kind: 'upload'; readonly template: string }
  | { readonly kind: 'create-pool' | 'remove-pool'; readonly pool: string }
  /** Waits until a data part is well as a whole. */
  | { readonly kind: 'part'; readonly part: string }
  | { readonly kind: 'rule' | 'remove-rule'; readonly rule: string }
  | { readonly kind: 'group' | 'remove-group'; readonly group: string }
  /** One look from outside. */
  | { readonly kind: 'smoke' };

/** What a step does, in the word that people read. */
export type Action =
  | Exclude<ContainerDeed, 'ready'>
  | 'wait'
  | 'migrate'
  | 'rollout'
  | 'upload'
  | 'rule'
  | 'group'
  | 'smoke';

/** How a deed is printed: its word, and what it is done to. */
function printed(deed: Deed): readonly [Action, string] {
  switch (deed.kind) {
    case 'ready':
      return ['wait', `ct:${deed.container}`];
    case 'part':
      return ['wait', `part:${deed.part}`];
    case 'migrate':
      return ['migrate', `database:${deed.release}`];
    case 'rollout':
      return ['rollout', 'services'];
    case 'upload':
      return ['upload', `template:${deed.template}`];
    case 'create-pool':
      return ['create', `pool:${deed.pool}`];
    case 'remove-pool':
      return ['remove', `pool:${deed.pool}`];
    case 'rule':
      return ['rule', deed.rule];
    case 'remove-rule':
      return ['remove', `rule:${deed.rule}`];
    case 'group':
      return ['group', deed.group];
    case 'remove-group':
      return ['remove', `group:${deed.group}`];
    case 'smoke':
      return ['smoke', 'edge'];
    default:
      return [deed.kind, `ct:${deed.container}`];
  }
}

/** A deed as a text, unique in its plan and stable between plans: `create:ct:300`, `wait:part:postgres`. */
export const idOf = (deed: Deed): string => printed(deed).join(':');

/** One thing to do. Steps form a graph; what no `after` holds back may run at the same time. */
export interface Step {
  readonly id: string;
  readonly action: Action;
  readonly deed: Deed;
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

  /** Adds a step. @param step `after`: what must be done before @returns its id */
  add(
    deed: Deed,
    step: Pick<Step, 'target' | 'reason'> & Partial<Pick<Step, 'after' | 'node' | 'rolling'>>,
  ): string {
    const id = idOf(deed);
    const [action] = printed(deed);
    const { target, reason, after = [], node = null, rolling = false } = step;
    const container = 'container' in deed ? deed.container : null;
    this.#steps.set(id, { id, action, deed, target, reason, after: [...after], node, container, rolling });
    return id;
  }

  /** Adds what must have been done before these steps, as far as there are such steps. */
  hold(ids: readonly string[], after: readonly string[]): void {
    for (const id of ids) {
      const step = this.#steps.get(id);
      if (step) this.#steps.set(id, { ...step, after: [...step.after, ...after] });
    }
  }

  /** Ids of the steps of these kinds; of all without any. */
  ids(...kinds: readonly Deed['kind'][]): readonly string[] {
    return [...this.#steps.values()]
      .filter(({ deed }) => kinds.length === 0 || kinds.includes(deed.kind))
      .map(({ id }) => id);
  }

  /** Ids of the steps that are about a container: of these kinds, of all without any. */
  of(container: number, ...kinds: readonly Deed['kind'][]): readonly string[] {
    return [...this.#steps.values()]
      .filter((step) => step.container === container)
      .filter(({ deed }) => kinds.length === 0 || kinds.includes(deed.kind))
      .map(({ id }) => id);
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
