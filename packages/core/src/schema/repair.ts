/** What a tolerant reader mends on its own, because it can mean one thing only. */
export type SafeRepair =
  /** `//`, `/*` or `#`. */
  | "comment"
  /** A comma with nothing before or behind it. */
  | "extra-comma"
  | "missing-comma"
  | "single-quotes"
  | "typographic-quotes"
  | "unquoted-key"
  /** `True`, `False`, `None`; `NaN`, `Infinity` and `undefined`, which are null. */
  | "literal"
  /** A line break or another control character in a string, as it is. */
  | "control-character"
  /** A backslash before a character that needs none: it is kept, but before a quote. */
  | "escape"
  /** White space that JSON does not know. */
  | "space";

/** What is mended only where that was asked for, because it is a guess. */
export type Guess =
  /** A quote in a string that nothing follows which could follow a string. It delays completion until that is known. */
  | "inner-quotes"
  /** A closing bracket of the wrong kind, or one that is missing before another. */
  | "brackets";

export type RepairRule = SafeRepair | Guess;

/** One place where a reply was no JSON and was read all the same. */
export interface Repair {
  readonly rule: RepairRule;
  /** Characters of the reply before the place where it was noticed. */
  readonly offset: number;
}
