import { type SchedulerLike, asyncScheduler } from "rxjs";
import { Refusal } from "./problem.ts";

/** What a request may send. */
export interface BodyLimits {
  /** @default 1_048_576 (1 MB) */
  readonly maxBytes?: number;
  /** Arrays and objects within each other. @default 64 */
  readonly maxDepth?: number;
  /** How long a body may take to come. @default 10_000 */
  readonly timeoutMs?: number;
  /** The clock. @default the handler's */
  readonly scheduler?: SchedulerLike;
}

/**
 * The JSON object that a request sends. What is too large, or takes too long, is not read to its end.
 *
 * @param isKnownAsJson whether it need not say that it is JSON: only where no form of another page can have sent it
 * @throws Refusal 415, 413, 408, 400
 */
export async function jsonBody(
  request: Request,
  limits: BodyLimits,
  isKnownAsJson = false,
): Promise<Readonly<Record<string, unknown>>> {
  const type = request.headers.get("content-type") ?? "";
  if (!isKnownAsJson && !/^application\/json\s*(?:;|$)/i.test(type)) {
    throw refused(415, "content-type-invalid", "The body is not JSON by its content type", "Send application/json");
  }
  return jsonObject(textIn(await bytesOf(request, limits)), limits);
}

/**
 * The JSON object that a text is.
 *
 * @throws Refusal 400
 */
export function jsonObject(text: string, { maxDepth = 64 }: BodyLimits): Readonly<Record<string, unknown>> {
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

async function bytesOf(request: Request, limits: BodyLimits): Promise<readonly Uint8Array[]> {
  const { maxBytes = 1_048_576, timeoutMs = 10_000, scheduler = asyncScheduler } = limits;
  const reader = request.body?.getReader();
  const parts: Uint8Array[] = [];
  if (reader === undefined) return parts;
  const late = Promise.withResolvers<never>();
  const timer = scheduler.schedule(() => late.reject(tooSlow(timeoutMs)), timeoutMs);
  try {
    for (let bytes = 0; ;) {
      const { done, value } = await Promise.race([reader.read(), late.promise]);
      if (done) return parts;
      bytes += value.byteLength;
      if (bytes > maxBytes) {
        throw refused(413, "body-too-large", `The body is larger than ${maxBytes} bytes`, "Send less at a time");
      }
      parts.push(value);
    }
  } catch (error) {
    reader.cancel().catch(() => {}); // whoever sends it has gone, or is told to stop
    throw error instanceof Refusal ? error : refused(400, "body-cut-off", "The body broke off", "Send all of it");
  } finally {
    timer.unsubscribe();
  }
}

function textIn(parts: readonly Uint8Array[]): string {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  try {
    return parts.map((part) => decoder.decode(part, { stream: true })).join("") + decoder.decode();
  } catch {
    throw refused(400, "body-invalid", "The body is not UTF-8", "Send JSON in UTF-8");
  }
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

function tooSlow(timeoutMs: number): Refusal {
  return refused(408, "body-too-slow", `The body had not come after ${timeoutMs} ms`, "Send it at once");
}
