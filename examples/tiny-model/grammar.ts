/**
 * A place in a text that has to follow rules: what may come next.
 *
 * Constrained decoding walks along such places. Before each token it asks the grammar which tokens may come, lets the
 * model choose among those, and steps on. Where there is no choice it writes `forced` without asking the model.
 *
 * Places are immutable, and each is built from the place that follows it (`then`), so a grammar is read from its end.
 *
 * @see Brzozowski, "Derivatives of Regular Expressions" (1964), for the idea
 */
export interface Grammar {
  /** The place after `byte`; undefined when `byte` may not come here. */
  after(byte: number): Grammar | undefined;
  /** Text that is bound to come next, whatever the model would like; "" where there is a choice. */
  readonly forced: string;
  /** Whether the text may end here. */
  readonly mayEnd: boolean;
}

/** Nothing may follow. */
export const END: Grammar = { after: () => undefined, forced: "", mayEnd: true };

/** Anything may follow: the grammar of plain text. */
export const ANYTHING: Grammar = { after: () => ANYTHING, forced: "", mayEnd: true };

/** Where several bytes lead to, or undefined when one of them may not come. */
export function advance(grammar: Grammar, bytes: Uint8Array): Grammar | undefined {
  let here: Grammar | undefined = grammar;
  for (const byte of bytes) here = here?.after(byte);
  return here;
}

/** Exactly `text` (ASCII), then `then`. */
export function literal(text: string, then: Grammar): Grammar {
  if (text === "") return then;
  return {
    after: (byte) => (byte === text.charCodeAt(0) ? literal(text.slice(1), then) : undefined),
    get forced() {
      return text + then.forced;
    },
    mayEnd: false,
  };
}

/**
 * One of `alternatives`. They may begin alike: each byte drops those that do not go on with it, so a choice of words
 * is walked like a trie.
 */
export function oneOf(alternatives: readonly Grammar[]): Grammar {
  const [first, ...others] = alternatives;
  if (first && others.length === 0) return first;
  return {
    after(byte) {
      const left = alternatives.flatMap((alternative) => alternative.after(byte) ?? []);
      return left.length > 0 ? oneOf(left) : undefined;
    },
    forced: "",
    get mayEnd() {
      return alternatives.some(({ mayEnd }) => mayEnd);
    },
  };
}

/** A grammar that is only built once it is reached: what a grammar that contains itself needs. */
export function lazy(build: () => Grammar): Grammar {
  let built: Grammar | undefined;
  const get = () => (built ??= build());
  return {
    after: (byte) => get().after(byte),
    get forced() {
      return get().forced;
    },
    get mayEnd() {
      return get().mayEnd;
    },
  };
}

/** `count.min` to `count.max` items with ", " between them, then `then`. */
export function list(
  item: (then: Grammar) => Grammar,
  count: { readonly min: number; readonly max: number },
  then: Grammar,
): Grammar {
  const from = (written: number): Grammar => {
    if (written >= count.max) return then;
    const next = item(lazy(() => from(written + 1)));
    const more = written === 0 ? next : literal(", ", next);
    return written < count.min ? more : oneOf([then, more]);
  };
  return from(0);
}

/**
 * The inside of a JSON string with the quote that ends it, then `then`: `length.min` to `length.max` characters.
 * Printable ASCII and the one-letter escapes, which is all that the model was trained to write.
 */
export function stringRest(length: { readonly min: number; readonly max: number }, then: Grammar): Grammar {
  const quoted = literal('"', then);
  const from = (written: number): Grammar => {
    if (written >= length.max) return quoted;
    return {
      after(byte) {
        if (byte === QUOTE) return written >= length.min ? then : undefined;
        if (byte === BACKSLASH) return escaped(lazy(() => from(written + 1)));
        return byte >= SPACE && byte <= TILDE ? from(written + 1) : undefined;
      },
      forced: "",
      mayEnd: false,
    };
  };
  return from(0);
}

const SPACE = 0x20;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const TILDE = 0x7e;

function escaped(then: Grammar): Grammar {
  return {
    after: (byte) => ('"\\/bfnrt'.includes(String.fromCharCode(byte)) ? then : undefined),
    forced: "",
    mayEnd: false,
  };
}

/** The numbers that a place may hold, bounds included, with at most `decimals` digits after the point. */
export interface NumberRange {
  /** From `-MAX_NUMBER` on. */
  readonly min: number;
  /** Up to `MAX_NUMBER`. */
  readonly max: number;
  /** 0 to 3: with the digits before the point that makes 15, which a JavaScript number holds exactly. */
  readonly decimals: number;
}

/** The biggest number that is written. */
export const MAX_NUMBER = 10 ** 12 - 1;

/**
 * A number within `range`, then `then`.
 *
 * Counting in units of the last decimal makes every bound a whole number. A digit may come as long as some number
 * that begins with what is written then lies within the bounds: for 20 to 35, "2" may, "4" may not (four is too
 * small, forty too big), and after "3" only 0 to 5 may.
 */
export function number(range: NumberRange, then: Grammar): Grammar {
  const unit = 10 ** range.decimals;
  const min = Math.ceil(range.min * unit);
  const max = Math.floor(range.max * unit);
  const fits = (low: number, high: number) => low <= max && high >= min;

  const from = (text: string): Grammar => ({
    after(byte) {
      const longer = text + String.fromCharCode(byte);
      if (reaches(longer)) return from(longer);
      return isWhole(text) ? then.after(byte) : undefined;
    },
    forced: "",
    get mayEnd() {
      return isWhole(text) && then.mayEnd;
    },
  });

  /** Whether `text` is a number in range as it stands. */
  const isWhole = (text: string): boolean => /\d$/.test(text) && reaches(text, { asItStands: true });

  /** Whether `text` begins a number in range. */
  const reaches = (text: string, { asItStands = false } = {}): boolean => {
    const match = /^(-?)(0|[1-9]\d*)?(?:\.(\d*))?$/.exec(text);
    if (!match) return false;
    const [, sign, digits, fraction] = match;
    if (sign && min >= 0) return false;
    if (digits === undefined) return sign === "-" && fraction === undefined;
    const open = range.decimals - (fraction?.length ?? 0);
    if (open < 0 || (fraction !== undefined && range.decimals === 0)) return false;
    const units = Number(digits + (fraction ?? "")) * 10 ** open;
    const fitsSigned = (low: number, high: number) => (sign ? fits(-high, -low) : fits(low, high));
    if (asItStands) return fitsSigned(units, units);
    if (fraction !== undefined) return fitsSigned(units, units + 10 ** open - 1);
    // The integer part may still grow by some digits, and by a fraction after them; a zero cannot grow.
    const growth = digits === "0" ? 0 : String(MAX_NUMBER).length - digits.length;
    return Array.from({ length: growth + 1 }, (_, more) => 10 ** more).some((times) =>
      fitsSigned(units * times, (units + unit) * times - 1),
    );
  };
  return from("");
}

/** Any JSON value, then `then`. */
export function anyValue(then: Grammar): Grammar {
  return oneOf([
    literal('"', stringRest({ min: 0, max: Infinity }, then)),
    number({ min: -MAX_NUMBER, max: MAX_NUMBER, decimals: 3 }, then),
    literal("true", then),
    literal("false", then),
    literal("null", then),
    literal("[", list(anyItem, { min: 0, max: Infinity }, literal("]", then))),
    anyObject(anyValue, then),
  ]);
}

/** An object with any keys, whose values follow `value`, then `then`. */
export function anyObject(value: (then: Grammar) => Grammar, then: Grammar): Grammar {
  const member = (next: Grammar) => {
    const rest = lazy(() => value(next));
    return literal('"', stringRest({ min: 1, max: Infinity }, literal(": ", rest)));
  };
  return literal("{", list(member, { min: 0, max: Infinity }, literal("}", then)));
}

function anyItem(then: Grammar): Grammar {
  return lazy(() => anyValue(then));
}
