// Where a scanner stands. 11 to 18 are the states of a number.
export const STRING = 0;
export const ESCAPE = 1;
/** In a string that JSON would not open so. */
export const ODD_STRING = 2;
/** Behind a quote that may be part of the string. The states up to this one are a key's too. */
export const GUESS = 3;
/** In a key that so far equals the expected one. */
export const KEY = 4;
export const VALUE = 5;
export const VALUE_OR_END = 6;
export const AFTER = 7;
export const COLON = 8;
export const KEY_OR_END = 9;
export const NEXT_KEY = 10;
export const WORD = 19;
export const BARE_KEY = 20;
export const COMMENT = 21;
/** Behind a number and a slash: a comment, or no number after all. */
export const SLASH = 22;
export const DONE = 23;
/** Added to a state: go on in it behind the character. */
export const PAST = 32;

/** What would have been right outside a token. */
export function expectedIn(state: number, isInArray: boolean): string {
  if (state === COLON) return '":"';
  if (state === COMMENT) return '"/" or "*"';
  if (state === AFTER) return isInArray ? '"," or "]"' : '"," or "}"';
  if (state === KEY_OR_END || state === NEXT_KEY) return state === NEXT_KEY ? "a quoted key" : 'a quoted key or "}"';
  return state === VALUE ? "a value" : 'a value or "]"';
}
