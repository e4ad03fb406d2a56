import type { JsonPatch } from "@sluice/core";

/** A place in a JSON value: keys of objects, positions in arrays. */
export type Place = readonly (string | number)[];

type Container = Record<string | number, unknown>;

/**
 * Puts a value at a place of a document, which is changed: what lies between is made, what is missing in arrays is null.
 *
 * @returns the same change as a JSON patch; empty where the value is there already
 * @see RFC 6902
 */
export function putAt(document: object, place: Place, value: unknown): JsonPatch[] {
  let parent = document as Container;
  for (const [depth, key] of place.entries()) {
    const rest = place.slice(depth + 1);
    const pointer = pointerTo(place.slice(0, depth + 1));
    const present = Object.hasOwn(parent, key) ? parent[key] : undefined;
    if (rest.length > 0 && isContainer(present, rest[0])) {
      parent = present;
      continue;
    }
    const put = wrapped(rest, value);
    if (present !== undefined) {
      if (JSON.stringify(present) === JSON.stringify(put)) return [];
      parent[key] = put;
      return [{ op: "replace", path: pointer, value: structuredClone(put) }];
    }
    const gaps: JsonPatch[] = [];
    while (Array.isArray(parent) && typeof key === "number" && parent.length < key) {
      gaps.push({ op: "add", path: pointerTo([...place.slice(0, depth), parent.length]), value: null });
      parent.push(null);
    }
    parent[key] = put;
    return [...gaps, { op: "add", path: pointer, value: structuredClone(put) }];
  }
  return [];
}

/** Takes out what is at a place of a document, which is changed; in an array null takes its place. @returns the same as a JSON patch */
export function removeAt(document: object, place: Place): JsonPatch[] {
  const key = place.at(-1);
  let parent: unknown = document;
  for (const step of place.slice(0, -1)) parent = Object(parent)[step];
  if (key === undefined || !isContainer(parent, key) || !Object.hasOwn(parent, key)) return [];
  if (Array.isArray(parent)) return putAt(document, place, null);
  delete parent[key];
  return [{ op: "remove", path: pointerTo(place) }];
}

/** @see RFC 6901 */
function pointerTo(place: Place): string {
  return place.map((key) => `/${String(key).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}

function isContainer(value: unknown, key: string | number | undefined): value is Container {
  return typeof value === "object" && value !== null && Array.isArray(value) === (typeof key === "number");
}

/** A value within all that the rest of a place leads through. */
function wrapped(rest: Place, value: unknown): unknown {
  return rest.reduceRight<unknown>(
    (inner, key) => (typeof key === "number" ? [...Array<null>(key).fill(null), inner] : { [key]: inner }),
    value,
  );
}
