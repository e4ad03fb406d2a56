import { inspect } from "loupe";

/** A value on one line, at most so many characters long. Asymmetric matchers are written as such. */
export function excerpt(value: unknown, length = 60): string {
  const { asymmetricMatch, toAsymmetricMatcher } = (value ?? {}) as Partial<Record<string, unknown>>;
  if (typeof asymmetricMatch === "function") {
    if (typeof toAsymmetricMatcher === "function") return String(toAsymmetricMatcher.call(value));
    return `${String(value)} ${excerpt((value as { sample?: unknown }).sample, length)}`;
  }
  if (value instanceof Error) return excerpt(`${value.name}: ${value.message}`, length).slice(1, -1);
  return inspect(value, { truncate: length }).replaceAll(/\s*\n\s*/g, " ");
}
