/** What a JSON value is. */
export type ValueKind = "string" | "number" | "boolean" | "null" | "object" | "array";

/** The kind of plain JSON data. */
export function kindOf(value: unknown): ValueKind {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  if (typeof value === "object") return "object";
  if (typeof value === "number") return "number";
  return typeof value === "boolean" ? "boolean" : "string";
}
