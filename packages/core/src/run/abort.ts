import { SluiceError } from "../error/sluice-error.ts";

/**
 * One node of the tree of abort signals. Its `AbortController` is made when somebody first asks for the signal, and the
 * reason when somebody is told: most attempts end without anybody listening.
 */
export class Abort {
  #controller: AbortController | undefined;
  #makeReason: (() => SluiceError) | undefined;
  #reason: SluiceError | undefined;
  #below: Set<(reason: SluiceError) => void> | undefined;

  get aborted(): boolean {
    return this.#makeReason !== undefined;
  }

  /** Why it was aborted; undefined while it is not. */
  get reason(): SluiceError | undefined {
    this.#reason ??= this.#makeReason?.();
    return this.#reason;
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.aborted) this.#controller.abort(this.reason);
    return this.#controller.signal;
  }

  /** Calls `abort` when this is aborted, at once if it is already. @returns takes it back */
  onAbort(abort: (reason: SluiceError) => void): () => void {
    const { reason } = this;
    if (reason !== undefined) {
      abort(reason);
      return () => {};
    }
    this.#below ??= new Set();
    this.#below.add(abort);
    return () => void this.#below?.delete(abort);
  }

  /** Aborts it, the first time it is called. */
  abort(makeReason: () => SluiceError): void {
    if (this.aborted) return;
    this.#makeReason = makeReason;
    if (this.#controller === undefined && this.#below === undefined) return;
    const reason = makeReason();
    this.#reason = reason;
    this.#controller?.abort(reason);
    const below = this.#below;
    this.#below = undefined;
    for (const abort of below ?? []) abort(reason);
  }
}

/** Why an attempt was ended from outside. */
export function aborted(where: string, why: string): SluiceError {
  return new SluiceError("chunk-aborted", { what: `The attempt was ended: ${why}`, where, retryable: false });
}
