/** The leave that a request has to watch an execution. */
export interface Watch {
  /** Fires when the handler closes: the stream is to end. */
  readonly closing: AbortSignal;
  /** When the stream is to end though the execution has not, in Unix milliseconds; left out where nothing says so. */
  readonly until?: number | undefined;
  /** To be called when the stream has ended, or nothing is to come of it; again does nothing. */
  readonly end: () => void;
}
