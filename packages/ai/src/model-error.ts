import { SluiceError, messageOf } from "@sluice/core";
import {
  APICallError,
  EmptyResponseBodyError,
  InvalidArgumentError,
  InvalidPromptError,
  InvalidResponseDataError,
  JSONParseError,
  LoadAPIKeyError,
  LoadSettingError,
  NoOutputGeneratedError,
  NoSuchModelError,
  TypeValidationError,
  UnsupportedFunctionalityError,
} from "ai";
import type { Asked } from "./asked.ts";
import { property } from "./property.ts";
import { retryAfter, waitHeaders } from "./retry-after.ts";
import { withoutSecrets } from "./secret.ts";

/** What an error needs to be told without its secrets. */
export interface ModelErrorOptions {
  /** The headers that the caller has set: their values are masked. */
  readonly headers?: Readonly<Record<string, string | undefined>> | undefined;
  /** Whether some of the reply had come. @default false */
  readonly begun?: boolean;
}

/**
 * Translates what the SDK, a provider or the network throws: which model, what went wrong, how to mend it.
 *
 * @returns `model-failed` with the original as its `cause`; where that holds a key, a cleaned copy of it. `retryable`
 * is the SDK's own judgement.
 */
export function modelError(
  asked: Asked,
  error: unknown,
  { headers, begun = false }: ModelErrorOptions = {},
): SluiceError {
  if (error instanceof SluiceError) return error;
  const clean = (text: string): string => withoutSecrets(text, headers);
  const message = sentence(error, clean);
  return new SluiceError("model-failed", {
    ...failureOf(asked, error, message, begun),
    cause: cleanCause(error, message, clean),
  });
}

/** What an error says, in one line and without keys. */
export function sentenceOf(error: unknown, { headers }: Pick<ModelErrorOptions, "headers"> = {}): string {
  return sentence(error, (text) => withoutSecrets(text, headers));
}

interface Failure {
  readonly what: string;
  readonly mend?: string;
  readonly retryable: boolean;
}

/** A reply that ended before its end, for no reason that the provider gave. */
export function brokenOff(asked: Asked): SluiceError {
  return new SluiceError("model-failed", earlyEnd(asked));
}

function earlyEnd({ name }: Asked): Failure {
  return {
    what: `The reply of the model "${name}" broke off: its stream ended without a regular finish`,
    mend: "Try again; if it stays, look at the provider's or the proxy's log",
    retryable: true,
  };
}

function failureOf(asked: Asked, error: unknown, message: string, begun: boolean): Failure {
  const model = `The model "${asked.name}"`;
  // The three kinds of error that answers come as (of a call, of a stream, of the gateway) share these properties.
  const retryable = property(error, "isRetryable") !== false;
  const status = property(error, "statusCode");
  if (typeof status === "number" && status >= 400) {
    const what = `${model} answered with status ${status}: ${message}`;
    return { what, mend: mendOfStatus(asked, status, message, retryable, retryAfter(error)?.words), retryable };
  }
  const network = networkCode(error);
  if (network !== undefined) {
    const failed = begun ? `The reply of the model "${asked.name}" broke off` : `${model} cannot be reached`;
    const what = `${failed}: ${describeNetwork(network, hostOf(error))}`;
    return { what, mend: "Check the network, and the base URL of the provider", retryable: true };
  }
  if (NoOutputGeneratedError.isInstance(error)) return earlyEnd(asked);
  if (UNREADABLE.some((kind) => kind.isInstance(error))) {
    return {
      what: `The answer of the model "${asked.name}" cannot be read: ${message}`,
      mend: "Try again; if it stays, check the base URL, and what stands between here and the provider",
      retryable,
    };
  }
  const what = `${model} failed: ${message}`;
  if (LoadAPIKeyError.isInstance(error)) return { what, mend: mendOfKey(asked), retryable: false };
  if (NoSuchModelError.isInstance(error)) return { what, mend: mendOfModel(asked), retryable: false };
  if (PERMANENT.some((kind) => kind.isInstance(error))) {
    return { what, mend: "Change what is given to ask() or to the provider", retryable: false };
  }
  return { what, retryable };
}

/** Errors of the SDK that come before any request: another attempt would end the same way. */
const PERMANENT = [InvalidArgumentError, InvalidPromptError, LoadSettingError, UnsupportedFunctionalityError];

/** Errors of the SDK about what came: not what the provider's protocol says. */
const UNREADABLE = [JSONParseError, TypeValidationError, InvalidResponseDataError, EmptyResponseBodyError];

function mendOfStatus(
  asked: Asked,
  status: number,
  message: string,
  retryable: boolean,
  wait: string | undefined,
): string {
  if (status === 401 || status === 403 || /api[ _-]?key/i.test(message)) return mendOfKey(asked);
  if (status === 404 || /model\b.*\bnot (?:found|exist)/i.test(message)) return mendOfModel(asked);
  if (status === 429) {
    if (!retryable) return "Check the plan and the quota of the account";
    return `Wait${wait === undefined ? "" : ` ${wait}`} and try again, or ask for less at a time`;
  }
  if (status === 408 || status >= 500) return "Try again later: the trouble is on the provider's side";
  if (/schema|response_format/i.test(message)) {
    return (
      "Change the schema of the reply: strict providers want an object at its root, " +
      "and .nullable() in place of .optional() and .default()"
    );
  }
  return "Change the prompt or the options of ask(): the provider does not take them";
}

function mendOfModel({ modelId }: Asked): string {
  return `Check that the provider has a model "${modelId}", and that its base URL is right`;
}

function mendOfKey({ provider }: Asked): string {
  const name = KEY_VARIABLES[provider] ?? `${provider.toUpperCase().replace(/\W/g, "_")}_API_KEY`;
  return `Check the API key: usually the environment variable ${name}`;
}

/** Where the variable is not named after the provider. */
const KEY_VARIABLES: Readonly<Record<string, string>> = {
  gateway: "AI_GATEWAY_API_KEY",
  google: "GOOGLE_GENERATIVE_AI_API_KEY",
};

function describeNetwork(code: string, host: string | undefined): string {
  const there = host === undefined ? "its host" : `the host ${host}`;
  if (code === "ECONNREFUSED") return `${there} refused the connection (${code})`;
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") return `${there} is not known to the network (${code})`;
  return `the connection to ${there} failed (${code})`;
}

function hostOf(error: unknown): string | undefined {
  return APICallError.isInstance(error) && URL.canParse(error.url) ? new URL(error.url).host : undefined;
}

/** The system's code for a failed connection, from anywhere in the chain of causes. */
function networkCode(error: unknown): string | undefined {
  for (const link of chain(error)) {
    const code = property(link, "code");
    if (typeof code === "string" && NETWORK_CODE.test(code)) return code;
  }
  return undefined;
}

/** Of Node's system errors those of a connection, and all of undici's, which is its fetch. */
const NETWORK_CODE =
  /^(?:ECONN(?:REFUSED|RESET|ABORTED)|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EPIPE|UND_ERR_\w+)$/;

function* chain(error: unknown): Generator<object> {
  const seen = new Set<unknown>();
  for (let link = error; typeof link === "object" && link !== null && !seen.has(link); link = property(link, "cause")) {
    seen.add(link);
    yield link;
  }
}

/** The message in one line: without secrets, colours and full stop, and not a whole page of it. */
function sentence(error: unknown, clean: (text: string) => string): string {
  const given = property(error, "message");
  const text = typeof given === "string" ? given : typeof error === "object" ? JSON.stringify(error) : messageOf(error);
  const line = clean(text).replace(COLOUR, "").replace(/\s+/g, " ").trim();
  const short = line.length > MAX_MESSAGE ? `${line.slice(0, MAX_MESSAGE)}…` : line;
  return short.replace(/\.$/, "") || "no reason was given";
}

const MAX_MESSAGE = 400;
// oxlint-disable-next-line no-control-regex -- the escape that a colour starts with
const COLOUR = /\u001b\[[\d;]*m/g;

/** The error itself, where nothing in it has to be masked. */
function cleanCause(error: unknown, message: string, clean: (text: string) => string): unknown {
  const isClean = (text: unknown): boolean => typeof text !== "string" || clean(text) === text;
  const isLinkClean = (link: object): boolean =>
    ["message", "stack", "url", "responseBody"].every((key) => isClean(property(link, key))) &&
    isClean(JSON.stringify(property(link, "data") ?? (link instanceof Error ? null : link)));
  if (isClean(error) && [...chain(error)].every(isLinkClean)) return error;
  if (!APICallError.isInstance(error)) return new Error(message);
  const { statusCode, isRetryable } = error;
  const responseHeaders = waitHeaders(error);
  return new APICallError({
    message,
    url: clean(error.url),
    requestBodyValues: {},
    statusCode,
    isRetryable,
    responseHeaders,
  });
}
