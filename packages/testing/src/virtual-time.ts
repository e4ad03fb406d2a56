import { type SchedulerAction, type Subscription, VirtualAction, VirtualTimeScheduler } from "rxjs";

/** How a wait is given up. */
export interface DelayOptions {
  /** Takes the wait off the clock and rejects it with the signal's reason. */
  readonly abortSignal?: AbortSignal;
}

/** Waits for some milliseconds of a clock. */
export type Delay = (ms: number, options?: DelayOptions) => Promise<void>;

/** After so many instants in one go something repeats without end. */
const maxInstants = 100_000;

/**
 * A clock that moves only when everything that can happen now has happened: it goes from one scheduled instant to the
 * next, and all promises settle in between. It begins at 0 and nothing in it waits for real time. Moves that overlap are
 * made one after the other. An instant costs one turn of the event loop, about 10 microseconds.
 */
export class VirtualTime {
  /** For `run(flow, input, { scheduler })`, and for the operators of RxJS. */
  readonly scheduler: VirtualTimeScheduler;
  readonly #schedule = new Schedule();
  #moving = 0;
  #lastMove: Promise<void> = Promise.resolve();

  constructor() {
    this.scheduler = this.#schedule;
  }

  /** The time, in milliseconds. */
  readonly now = (): number => this.#schedule.now();

  /** Lets all promises settle and everything happen that is due, without moving the clock. */
  readonly settle = (): Promise<void> => this.#move(() => this.#settle());

  /**
   * Moves the clock by some milliseconds, or, when they are left out, until nothing is scheduled.
   *
   * @throws Error when something repeats without end, after 100,000 instants
   */
  readonly advance = (ms = Number.POSITIVE_INFINITY): Promise<void> => this.#move(() => this.#advance(this.now() + ms));

  /** Resolves after some virtual milliseconds. */
  readonly delay: Delay = (ms, { abortSignal } = {}) =>
    new Promise((resolve, reject) => {
      const stop = (): void => {
        timer?.unsubscribe();
        reject(abortSignal?.reason as Error);
      };
      const timer = abortSignal?.aborted
        ? undefined
        : this.#schedule.schedule(() => {
            abortSignal?.removeEventListener("abort", stop);
            resolve();
          }, ms);
      if (timer === undefined) stop();
      else abortSignal?.addEventListener("abort", stop, { once: true });
    });

  /** Texts, each after its pause: `[[0, "{"], [40, '"a"']]`. */
  readonly tokens = (timed: readonly (readonly [afterMs: number, text: string])[]): AsyncGenerator<string> =>
    spaced(timed, this.delay);

  /**
   * Waits for `work`. While `work` waits, the clock moves on from instant to instant, unless somebody else moves it; when
   * nothing is scheduled, it stands.
   *
   * @throws Error as `advance`, and what `work` rejects with
   */
  async during<T>(work: Promise<T>): Promise<T> {
    let over = false;
    const end = (): void => void (over = true);
    const ended = work.then(end, end);
    for (let instants = 0; ;) {
      await turn();
      if (over) return work;
      const next = this.#next;
      if (this.#moving > 0) {
        await this.#lastMove;
        instants = 0;
      } else if (next === undefined) {
        await Promise.race([ended, this.#schedule.filled()]);
      } else {
        instants = counted(instants, this.now());
        this.#flush(next);
      }
    }
  }

  /** How many things are scheduled. */
  get pending(): number {
    return this.#schedule.actions.length;
  }

  get #next(): number | undefined {
    return this.#schedule.actions[0]?.delay;
  }

  #move(work: () => Promise<void>): Promise<void> {
    this.#moving += 1;
    const moved = this.#lastMove.then(work).finally(() => (this.#moving -= 1));
    this.#lastMove = moved.catch(() => {}); // whoever asked for the move hears of it
    return moved;
  }

  async #advance(until: number): Promise<void> {
    await this.#settle();
    let instants = 0;
    for (let next = this.#next; next !== undefined && next <= until; next = this.#next) {
      instants = counted(instants, this.now());
      this.#flush(next);
      await this.#settle();
    }
    if (until !== Number.POSITIVE_INFINITY) this.#schedule.frame = Math.max(this.now(), until);
  }

  async #settle(): Promise<void> {
    let instants = 0;
    await turn();
    for (let next = this.#next; next !== undefined && next <= this.now(); next = this.#next) {
      instants = counted(instants, this.now());
      this.#flush(this.now());
      await turn();
    }
  }

  #flush(frame: number): void {
    this.#schedule.maxFrames = frame;
    this.#schedule.flush();
  }
}

/** RxJS' virtual scheduler, which tells when something is put on it. */
class Schedule extends VirtualTimeScheduler {
  #tell: (() => void) | undefined;

  constructor() {
    super(VirtualAction, Number.POSITIVE_INFINITY);
  }

  /** Resolves when something is scheduled next. */
  filled(): Promise<void> {
    return new Promise((resolve) => (this.#tell = resolve));
  }

  override schedule<T>(work: (this: SchedulerAction<T>, state?: T) => void, delayMs?: number, state?: T): Subscription {
    const scheduled = super.schedule(work, delayMs, state);
    this.#tell?.();
    return scheduled;
  }
}

async function* spaced(timed: readonly (readonly [number, string])[], delay: Delay): AsyncGenerator<string> {
  for (const [ms, text] of timed) {
    if (ms > 0) await delay(ms);
    yield text;
  }
}

function counted(instants: number, now: number): number {
  if (instants < maxInstants) return instants + 1;
  throw new Error(
    `The clock has moved ${maxInstants} times, to ${now} ms, and something is scheduled still: something repeats ` +
      "without end. Stop it, or advance by a number of milliseconds",
  );
}

// kept from the beginning: a test runner's fake timers replace them
const { setImmediate: immediate, MessageChannel: Channel } = globalThis;

/** One turn of the event loop: every promise that can settle has settled. */
function turn(): Promise<void> {
  if (typeof immediate === "function") return new Promise((resolve) => void immediate(resolve));
  return new Promise((resolve) => {
    const { port1, port2 } = new Channel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(undefined);
  });
}
