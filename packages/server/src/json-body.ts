import { Refusal } from "./problem.ts";

/** What a request may send. */
export interface BodyLimits {
  /** @default 1_048_576 (1 MB) */
  readonly maxBytes?: number;
  /** Arrays and objects within each other. @default 64 */
  readonly maxDepth?: number;
}

/**
 * The JSON object that a request sends. What is too large is not read to its end.
 *
 * @param isKnownAsJson whether it need not say that it is JSON: only where no form of another page can have sent it
 * @throws Refusal 415, 413, 400
 */
export async function jsonBody(
  request: Request,
  limits: BodyLimits,
  isKnownAsJson = false,
): Promise<Readonly<Record<string, unknown>>> {
  const { maxBytes = 1_048_576, maxDepth = 64 } = limits;
  const type = request.headers.get("content-type") ?? "";
  if (!isKnownAsJson && !/^application\/json\s*(?:;|$)/i.test(type)) {
    throw refused(415, "content-type-invalid", "The body is not JSON by its content type", "Send application/json");
  }
  const text = await textOf(request, maxBytes);
  if (depthOf(text) > maxDepth) {
    throw refused(400, "body-too-deep", `The body nests deeper than ${maxDepth}`, "Send a flatter value");
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw refused(400, "body-invalid", "The body is not JSON", "Send one JSON object");
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw refused(400, "body-invalid", "The body is no JSON object", "Send one JSON object");
}

async function textOf(request: Request, maxBytes: number): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for await (const part of (request.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += part.byteLength;
    if (bytes > maxBytes) {
      throw refused(413, "body-too-large", `The body is larger than ${maxBytes} bytes`, "Send less at a time");
    }
    text += decoder.decode(part, { stream: true });
  }
  return text + decoder.decode();
}

/** How deep arrays and objects lie within each other, strings left aside: before a parser has to find out. */
function depthOf(text: string): number {
  let [depth, deepest, inString] = [0, 0, false];
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at];
    if (inString && character === "\\") at += 1;
    else if (character === '"') inString = !inString;
    else if (inString) continue;
    else if (character === "{" || character === "[") deepest = Math.max(deepest, (depth += 1));
    else if (character === "}" || character === "]") depth -= 1;
  }
  return deepest;
}

function refused(status: number, code: string, title: string, mend: string): Refusal {
  return new Refusal({ status, code, title, mend });
}
