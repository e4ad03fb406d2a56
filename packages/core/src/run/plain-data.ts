import type { EntryDraft } from "../machine/entry.ts";
import { SluiceError } from "../error/sluice-error.ts";

/**
 * A copy of a value as plain data: what JSON can hold. Keys with `undefined` are left out, as JSON does.
 *
 * @throws SluiceError `not-serialisable`, with the path of the first thing that JSON cannot hold.
 */
export function plainCopy<T>(value: T, where: string): T {
  return copy(value, where, "", []) as T; // a copy of plain data has its type; everything else has thrown
}

/**
 * What is wrong with a value that is to be stored: undefined where JSON can hold it, with keys that are `undefined` left
 * out. Copies nothing.
 */
export function refusalOf(value: unknown, where: string): SluiceError | undefined {
  if (value === undefined || isPlain(value, 0)) return undefined;
  try {
    plainCopy(value, where);
    return undefined;
  } catch (error) {
    return error as SluiceError; // plainCopy throws nothing else
  }
}

/** What entries carry that comes from users and has not been looked at. */
const carried = ["input", "payload", "output", "result", "item", "value", "args"] as const;

/** What is wrong with an entry that is to be stored. What a chunk starts with has been looked at where it came from. */
export function draftRefusal(draft: EntryDraft, where: string): SluiceError | undefined {
  if (draft.type === "chunk:start") return undefined;
  const place = "chunk" in draft && draft.chunk !== undefined ? `${where}.${draft.chunk}` : where;
  for (const key of carried) {
    const refused = key in draft ? refusalOf(Reflect.get(draft, key), place) : undefined;
    if (refused !== undefined) return refused;
  }
  return undefined;
}

/** What is deeper may be a circle: it is looked at more closely. */
const shallow = 100;

function isPlain(value: unknown, depth: number): boolean {
  if (value === null || typeof value === "string" || typeof value === "boolean") return true;
  if (typeof value === "number") return Number.isFinite(value);
  if (typeof value !== "object" || depth > shallow) return false;
  if (Array.isArray(value)) return value.every((item) => isPlain(item, depth + 1));
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return false;
  for (const key in value) {
    const item: unknown = (value as Record<string, unknown>)[key];
    if (item !== undefined && !isPlain(item, depth + 1)) return false;
  }
  return true;
}

function copy(value: unknown, where: string, path: string, above: readonly object[]): unknown {
  if (value === null || typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "number") {
    if (Number.isFinite(value)) return value;
    throw refused(String(value), where, path);
  }
  if (typeof value !== "object") throw refused(value === undefined ? "undefined" : `a ${typeof value}`, where, path);
  if (above.includes(value)) throw refused("a reference to itself", where, path);
  const inside = [...above, value];
  if (Array.isArray(value)) return value.map((item, index) => copy(item, where, `${path}[${index}]`, inside));
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    const { name } = value.constructor;
    throw refused(name === "" ? "an object of a class" : `a ${name}`, where, path);
  }
  const plain: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value)) {
    if (item === undefined) continue;
    const copied = copy(item, where, path === "" ? key : `${path}.${key}`, inside);
    if (key === "__proto__")
      Object.defineProperty(plain, key, { value: copied, enumerable: true, writable: true, configurable: true });
    else plain[key] = copied;
  }
  return plain;
}

function refused(what: string, where: string, path: string): SluiceError {
  return new SluiceError("not-serialisable", {
    what: `${path === "" ? "The value" : `The value at ${path}`} is ${what}, which JSON cannot hold`,
    where,
    mend: "Keep plain data; give live objects (clients, models) to the class's constructor, and dates as ISO strings",
    retryable: false,
  });
}
