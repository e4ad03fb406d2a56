/** What a JSON value is. */
export type ValueKind = "string" | "number" | "boolean" | "null" | "object" | "array";
