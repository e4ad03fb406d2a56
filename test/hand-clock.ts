// A clock that stands until a test moves it: for servers, whose sockets are real and whose time is not.
import { VirtualAction, VirtualTimeScheduler } from "rxjs";

/** A clock, and the hand that moves it. */
export interface HandClock {
  readonly scheduler: VirtualTimeScheduler;
  /** Lets so many milliseconds pass: what is due runs, in order, before it returns. */
  readonly pass: (ms: number) => void;
}

export function handClock(): HandClock {
  const scheduler = new VirtualTimeScheduler(VirtualAction, 0);
  const pass = (ms: number): void => {
    scheduler.maxFrames = scheduler.frame + ms;
    scheduler.schedule(() => {}, ms);
    scheduler.flush();
  };
  return { scheduler, pass };
}
