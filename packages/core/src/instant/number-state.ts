// How far a number has been read. A scanner keeps these among its other states, so they begin where those end.
export const MINUS = 11;
export const ZERO = 12;
export const INTEGER = 13;
export const DOT = 14;
export const FRACTION = 15;
export const EXPONENT_MARK = 16;
export const EXPONENT_SIGN = 17;
export const EXPONENT = 18;

export function isNumberState(state: number): boolean {
  return state >= MINUS && state <= EXPONENT;
}

/** Whether a number could end here. */
export function isWholeNumber(state: number): boolean {
  return state === ZERO || state === INTEGER || state === FRACTION || state === EXPONENT;
}

/** Whether JSON may go on with this character behind a number. */
export function endsNumber(c: number): boolean {
  return c === 44 || c === 125 || c === 93 || c === 32 || c === 10 || c === 13 || c === 9;
}

/** The state after a number's first character, or -1 where no number begins with it. */
export function firstNumberState(c: number): number {
  if (c === 45) return MINUS;
  if (c === 48) return ZERO;
  return c > 48 && c <= 57 ? INTEGER : -1;
}

/** The state after one more character, or -1 where the number does not go on with it. */
export function nextNumberState(state: number, c: number): number {
  if (c >= 48 && c <= 57) {
    if (state === INTEGER || state === FRACTION || state === EXPONENT) return state;
    if (state === MINUS) return c === 48 ? ZERO : INTEGER;
    if (state === DOT) return FRACTION;
    return state === ZERO ? -1 : EXPONENT;
  }
  if (c === 46) return state === ZERO || state === INTEGER ? DOT : -1;
  if (c === 101 || c === 69) return isWholeNumber(state) && state !== EXPONENT ? EXPONENT_MARK : -1;
  if (c === 43 || c === 45) return state === EXPONENT_MARK ? EXPONENT_SIGN : -1;
  return -1;
}
