/** What the process says with its end. */
export const exitCodes = {
  /** All is well. */
  ok: 0,
  /** An execution did not complete, a flow has problems, something is not there. */
  failed: 1,
  /** The command was written wrongly. */
  usage: 2,
  /** The execution waits for an answer that nobody here can give. */
  waiting: 3,
  /** Ended with Ctrl-C. */
  interrupted: 130,
} as const;

/** What a complaint is made of. */
export interface ComplaintParts {
  /** What is wrong. */
  readonly what: string;
  /** The file, the flow, the execution. */
  readonly where?: string | undefined;
  /** What to do about it. */
  readonly mend?: string | undefined;
  readonly cause?: unknown;
  /** @default exitCodes.failed */
  readonly exitCode?: number;
}

/** Ends a command with a message for people. */
export class Complaint extends Error {
  override readonly name = "Complaint";
  readonly what: string;
  readonly where: string | undefined;
  readonly mend: string | undefined;
  readonly exitCode: number;

  constructor({ what, where, mend, cause, exitCode = exitCodes.failed }: ComplaintParts) {
    super(what, cause === undefined ? undefined : { cause });
    this.what = what;
    this.where = where;
    this.mend = mend;
    this.exitCode = exitCode;
  }
}

/** A complaint about how the command was written. */
export function misused(what: string, mend?: string): Complaint {
  return new Complaint({ what, mend, exitCode: exitCodes.usage });
}
