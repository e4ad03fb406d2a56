/** What an object of any kind has under a key; undefined for what is no object. */
export function property(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[key] : undefined;
}
