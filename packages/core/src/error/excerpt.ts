/** The beginning of a value, for people. */
export function excerpt(value: unknown, length = 40): string {
  let text: string | undefined;
  try {
    text = typeof value === "bigint" ? `${value}n` : JSON.stringify(value);
  } catch {
    text = undefined; // circular, or a toJSON that throws: its kind has to do
  }
  const shown = text ?? (value === undefined ? "nothing" : typeof value);
  return shown.length > length ? `${shown.slice(0, length - 1)}…` : shown;
}
