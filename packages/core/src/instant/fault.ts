import { SluiceError } from "../error/sluice-error.ts";
import type { Limits } from "./limits.ts";

/** Why a scanner stopped: text that is no JSON, or a limit. */
export interface Fault {
  /** Characters of the reply before the one at fault. */
  readonly offset: number;
  /** What would have been right, where the text is no JSON. */
  readonly expected?: string;
  /** The limit that was reached. */
  readonly limit?: keyof Limits;
}

/** Characters of text that an error shows. */
export const excerptLength = 40;

/** A fault as an error: `reply-limit` or `reply-syntax`. `excerpt` ends with the character at fault. */
export function faultError(
  { offset, expected, limit }: Fault,
  limits: Limits,
  excerpt: string,
  where?: string,
): SluiceError {
  if (limit !== undefined) {
    return new SluiceError("reply-limit", {
      what: `The reply has more than ${limits[limit]} ${limited[limit]}, at character ${offset}`,
      where,
      mend: `If such replies are right, raise the option limits.${limit}`,
    });
  }
  return new SluiceError("reply-syntax", {
    what: `The reply is not JSON: expected ${expected}, got ${JSON.stringify(excerpt.at(-1))} at character ${offset}, in ${JSON.stringify(excerpt)}`,
    where,
    mend: "Ask the model again, or for structured output, which can only be JSON",
  });
}

/** The text is over, and `path` was open. */
export function truncatedError(chars: number, path: string, where?: string): SluiceError {
  return new SluiceError("reply-truncated", {
    what: `The reply ended after ${chars} characters, while ${path === "" ? "its root" : JSON.stringify(path)} was still open`,
    where,
    mend: "Raise the model's limit of output tokens, or ask for a shorter reply",
  });
}

/** What a search for the root has found in its stead. */
export interface Searched {
  readonly beginning?: string;
  readonly isReasoning?: boolean;
  readonly nearest?: { readonly began: number; readonly fault: Fault } | undefined;
}

/** The text is over, and there was no root in it. */
export function noJsonError({ beginning = "", isReasoning, nearest }: Searched, where?: string): SluiceError {
  const found = beginning === "" ? "it is empty" : `it begins with ${JSON.stringify(beginning)}`;
  const tried =
    nearest === undefined
      ? ""
      : `; what begins at character ${nearest.began} is no JSON at character ${nearest.fault.offset}: expected ${nearest.fault.expected}`;
  return new SluiceError("reply-no-json", {
    what: `The reply has no JSON in it: ${found}${isReasoning === true ? ", and ended while the model was still reasoning" : ""}${tried}`,
    where,
    mend: "Tell the model to answer in JSON, or use structured output",
  });
}

const limited: Record<keyof Limits, string> = {
  maxDepth: "objects and arrays inside each other",
  maxChars: "characters of JSON",
  maxStringChars: "characters in one string",
  maxKeyChars: "characters in one key",
  maxNumberChars: "characters in one number",
  maxElements: "elements in one array",
  maxProseChars: "characters before its JSON",
};
