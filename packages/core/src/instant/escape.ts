const simple = new Map([
  [34, '"'],
  [92, "\\"],
  [47, "/"],
  [98, "\b"],
  [102, "\f"],
  [110, "\n"],
  [114, "\r"],
  [116, "\t"],
]);

/** Reads what follows a backslash in a string, character by character. */
export class Escape {
  #unit = 0;
  /** Hexadecimal digits still to come; -1 before the first character. */
  #digits = -1;
  /** The digits so far, 8 bits each. */
  #seen = 0;

  /** What has been read of it, as it was written. */
  get written(): string {
    if (this.#digits < 0) return "\\";
    let digits = "";
    for (let seen = this.#seen; seen > 0; seen >>= 8) digits = String.fromCharCode(seen & 255) + digits;
    return `\\u${digits}`;
  }

  /** What would have been right at the character that was refused. */
  get expected(): string {
    return this.#digits < 0 ? "an escape that JSON knows" : "four hexadecimal digits";
  }

  begin(): void {
    this.#digits = -1;
  }

  /** The UTF-16 unit that the escape stands for; "" while more has to come; undefined where JSON has no such escape. */
  take(c: number): string | undefined {
    if (this.#digits < 0) {
      if (c !== 117) return simple.get(c);
      this.#digits = 4;
      this.#unit = this.#seen = 0;
      return "";
    }
    const digit = hexDigit(c);
    if (digit < 0) return undefined;
    this.#unit = this.#unit * 16 + digit;
    this.#seen = (this.#seen << 8) | c;
    this.#digits -= 1;
    return this.#digits > 0 ? "" : String.fromCharCode(this.#unit);
  }
}

function hexDigit(c: number): number {
  if (c >= 48 && c <= 57) return c - 48;
  const lower = c | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}
