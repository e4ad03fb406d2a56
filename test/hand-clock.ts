// A clock that stands until a test moves it: for servers, whose sockets are real and whose time is not.
import { type SchedulerAction, type Subscription, VirtualAction, VirtualTimeScheduler } from "rxjs";

/** A clock, and the hand that moves it. */
export interface HandClock {
  readonly scheduler: VirtualTimeScheduler;
  /** Lets so many milliseconds pass: what is due runs, in order, before it returns. */
  readonly pass: (ms: number) => void;
  /** Settles when somebody sets a timer of so many milliseconds. */
  readonly timer: (ms: number) => Promise<void>;
}

export function handClock(): HandClock {
  const scheduler = new Watched();
  const pass = (ms: number): void => {
    scheduler.maxFrames = scheduler.frame + ms;
    scheduler.schedule(() => {}, ms);
    scheduler.flush();
  };
  const timer = (ms: number): Promise<void> => new Promise((resolve) => scheduler.waiting.set(ms, resolve));
  return { scheduler, pass, timer };
}

class Watched extends VirtualTimeScheduler {
  readonly waiting = new Map<number, () => void>();

  constructor() {
    super(VirtualAction, 0);
  }

  override schedule<T>(work: (this: SchedulerAction<T>, state?: T) => void, delay = 0, state?: T): Subscription {
    this.waiting.get(delay)?.();
    return super.schedule(work, delay, state);
  }
}
