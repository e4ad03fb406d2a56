/** A UUID of version 4. Browsers have `crypto.randomUUID` only on pages that came over HTTPS or from the same machine. */
export function randomId(): string {
  // V8 keeps the twenty pieces of the text until it is read as one: that is half a kilobyte
  if (typeof crypto.randomUUID === "function") return crypto.randomUUID().toLowerCase();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const digits = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  const variant = "89ab"[(bytes[8] ?? 0) % 4];
  return digits.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12})$/, `$1-$2-4$3-${variant}$4-$5`);
}
