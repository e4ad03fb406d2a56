import type { ErrorCode } from "./error-code.ts";

/** The parts of an error: what happened, where, and how to mend it. */
export interface ErrorParts {
  /** What happened, with expected and got where a value is wrong. */
  readonly what: string;
  /** The flow, chunk or path it happened in. */
  readonly where?: string | undefined;
  /** How to mend it. */
  readonly mend?: string | undefined;
  /** The error that led to this one. */
  readonly cause?: unknown;
  /** False for a failure that another attempt cannot mend. @default true */
  readonly retryable?: boolean;
}

/** An error as plain data: what a log or a wire carries of it. Never a stack. */
export interface ErrorData {
  readonly name: string;
  readonly message: string;
  readonly code?: string;
  readonly what?: string;
  readonly where?: string;
  readonly mend?: string;
  readonly cause?: ErrorData;
}

/** Every error that Sluice itself raises. Its message is made of its parts: what, where, mend. */
export class SluiceError extends Error {
  override readonly name: string = "SluiceError";
  readonly code: ErrorCode;
  readonly what: string;
  readonly where: string | undefined;
  readonly mend: string | undefined;
  readonly retryable: boolean;

  constructor(code: ErrorCode, parts: ErrorParts) {
    super(renderParts(parts), "cause" in parts ? { cause: parts.cause } : undefined);
    this.code = code;
    this.what = parts.what;
    this.where = parts.where;
    this.mend = parts.mend;
    this.retryable = parts.retryable ?? true;
  }

  toJSON(): ErrorData {
    return errorData(this);
  }
}

/** The error with a place, where it has none of its own. */
export function located(error: SluiceError, where: string): SluiceError {
  if (error.where !== undefined || error.constructor !== SluiceError) return error;
  const { code, what, mend, retryable, cause } = error;
  return new SluiceError(code, { what, where, mend, retryable, ...(cause !== undefined && { cause }) });
}

/** Any thrown value as plain data. Of causes only name, message and code are kept, so that no request or key gets out. */
export function errorData(error: unknown): ErrorData {
  if (!(error instanceof Error)) return { name: "Error", message: messageOf(error) };
  const { code } = error as { code?: unknown };
  return {
    name: error.name,
    message: error.message,
    ...(typeof code === "string" && { code }),
    ...(error instanceof SluiceError && partsOf(error)),
    ...(error.cause !== undefined && { cause: errorData(error.cause) }),
  };
}

/** The message of any thrown value. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function renderParts({ what, where, mend }: ErrorParts): string {
  const place = where === undefined ? "" : ` (in ${where})`;
  return `${what}${place}${mend === undefined ? "" : `. ${mend}`}`;
}

function partsOf({ what, where, mend }: SluiceError): Pick<ErrorData, "what" | "where" | "mend"> {
  return { what, ...(where !== undefined && { where }), ...(mend !== undefined && { mend }) };
}
