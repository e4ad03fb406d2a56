/** A copy that JSON can hold: dates are texts, big integers too, and what circles is only named. */
export function plain(value: unknown): unknown {
  try {
    const text = JSON.stringify(value, (_key, item: unknown) => (typeof item === "bigint" ? String(item) : item));
    return text === undefined ? null : (JSON.parse(text) as unknown);
  } catch {
    return String(value); // a circle: showing a value must not fail what it belongs to
  }
}
