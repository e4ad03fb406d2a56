import { check } from "../schema/early-check.ts";
import { type Segment, parsePath } from "../schema/field-path.ts";
import type { Place } from "../schema/shape.ts";

/**
 * What is complete of a value that is still being written: each part as its schema puts it out, or as it was written where
 * it does not fit. Open texts are left out, open objects and arrays hold what is complete in them.
 *
 * @param openPath where it is open; undefined when it is whole
 */
export function completeParts(place: Place, raw: unknown, openPath: string | undefined): unknown {
  if (openPath === undefined) return complete(place, raw);
  return parts(place, raw, parsePath(openPath));
}

/** Of an open object or array. */
function parts(place: Place | undefined, raw: unknown, [open, ...rest]: readonly Segment[]): unknown {
  if (Array.isArray(raw)) {
    const at = open?.kind === "index" ? open.position : -1;
    return raw.flatMap((item: unknown, index) => {
      const below = place?.index(index);
      if (index !== at) return [complete(below, item)];
      return isHolder(item) ? [parts(below, item, rest)] : [];
    });
  }
  if (!isHolder(raw)) return undefined;
  const at = open?.kind === "key" ? open.name : undefined;
  const entries = Object.entries(raw).flatMap(([key, value]): [string, unknown][] => {
    const below = place?.key(key);
    if (below === undefined) return []; // the schema does not know it
    if (key !== at) return [[key, complete(below, value)]];
    return isHolder(value) ? [[key, parts(below, value, rest)]] : [];
  });
  return Object.fromEntries(entries); // `__proto__` is a key like any other
}

function complete(place: Place | undefined, raw: unknown): unknown {
  if (place === undefined) return raw;
  const { value, issues } = check(place, raw);
  return issues === undefined ? value : raw;
}

function isHolder(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
