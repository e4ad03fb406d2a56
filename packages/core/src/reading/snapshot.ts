import { parsePath } from "../schema/field-path.ts";

/**
 * An immutable picture of a value that goes on growing: only what is open is copied, what is finished is shared, and so is
 * `===` from picture to picture.
 *
 * @param openPath where the value is open, such as `items[3].name`; undefined when it is whole
 */
export function snapshotOf(live: unknown, openPath: string | undefined): unknown {
  if (openPath === undefined) return live;
  return copied(live, keysOf(openPath), 0);
}

function keysOf(path: string): readonly (string | number)[] {
  return parsePath(path).map((segment) =>
    segment.kind === "key" ? segment.name : segment.kind === "index" ? segment.position : 0,
  );
}

function copied(live: unknown, keys: readonly (string | number)[], depth: number): unknown {
  if (typeof live !== "object" || live === null) return live;
  const key = keys[depth];
  if (Array.isArray(live)) {
    const list: unknown[] = live.slice();
    if (typeof key === "number" && key in list) list[key] = copied(list[key], keys, depth + 1);
    return list;
  }
  const object: Record<string, unknown> = { ...live };
  if (typeof key === "string" && Object.hasOwn(object, key)) {
    const value = copied(object[key], keys, depth + 1);
    // `__proto__` is a key like any other
    Object.defineProperty(object, key, { value, enumerable: true, writable: true, configurable: true });
  }
  return object;
}
