/** The latest value per key, in the order in which the keys' latest values came. Bounded by the number of keys. */
export class Conflated<T> {
  readonly #latest = new Map<unknown, T>();

  put(key: unknown, value: T): void {
    this.#latest.delete(key);
    this.#latest.set(key, value);
  }

  /** Takes the oldest out. */
  take(): { readonly value: T } | undefined {
    for (const [key, value] of this.#latest) {
      this.#latest.delete(key);
      return { value };
    }
    return undefined;
  }
}

/** The value at a dotted path; what is no object has none. */
export function valueAtKey(item: unknown, path: string): unknown {
  let found = item;
  for (const key of path.split(".")) {
    if (typeof found !== "object" || found === null || !Object.hasOwn(found, key)) return undefined;
    found = Reflect.get(found, key);
  }
  return found;
}
