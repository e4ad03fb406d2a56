/**
 * Data as JSON. What a chunk returns or emits may be anything: a bigint is written as a text, a circle as `"[circular]"`, so
 * that one value ends nobody's stream.
 */
export function toJson(data: unknown): string {
  try {
    return JSON.stringify(data);
  } catch {
    const above: unknown[] = [];
    return JSON.stringify(data, function (this: unknown, _key, value: unknown) {
      if (typeof value === "bigint") return String(value);
      if (typeof value !== "object" || value === null) return value;
      while (above.length > 0 && above.at(-1) !== this) above.pop();
      if (above.includes(value)) return "[circular]";
      above.push(value);
      return value;
    });
  }
}
