import type { Attributes } from "@opentelemetry/api";

/** A value as text for an attribute. */
function textOf(value: unknown): string {
  try {
    return (
      JSON.stringify(value, (_key, item: unknown) => (typeof item === "bigint" ? String(item) : item)) ?? "undefined"
    );
  } catch {
    return String(value); // a circle
  }
}

/** An attribute with what was given or written: only where content is to be recorded. */
export type Content = (name: string, value: unknown) => Attributes;

/** @param isRecorded whether content is to be recorded at all */
export function contentOf(isRecorded: boolean): Content {
  return (name, value) => (isRecorded ? { [name]: textOf(value) } : {});
}
