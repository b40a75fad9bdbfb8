import type { Desired } from './desired.ts';
import type { Observed } from './observed.ts';
import type { PlanProblem, Steps } from './step.ts';

/** What the parts of a plan write into. */
export interface Draft {
  readonly desired: Desired;
  readonly observed: Observed;
  readonly steps: Steps;
  readonly problems: PlanProblem[];
  readonly notes: string[];
  /** Containers that are or will be there and may be worked on, with how they are found. */
  readonly places: Map<number, Place>;
}

/** How a container of ours is found. */
interface Place {
  /** Where it will be when the steps about its place are done. */
  readonly node: string;
  /** It is made in this plan; nothing is in it. */
  readonly isFresh: boolean;
  /** It does not run now. */
  readonly isDown: boolean;
  /** It is of another template than the inventory names, and stays so for now: what is rendered is not made for it. */
  readonly isOld?: boolean;
}
