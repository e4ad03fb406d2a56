/** How large a reply may be. Characters are UTF-16 units, as in `string.length`. */
export interface Limits {
  /** Objects and arrays inside each other. @default 256 */
  readonly maxDepth: number;
  /** The JSON document, from its first to its last character. @default 16_777_216 */
  readonly maxChars: number;
  /** One string value. @default 8_388_608 */
  readonly maxStringChars: number;
  /** One object key. @default 1_024 */
  readonly maxKeyChars: number;
  /** One number as written. @default 1_024 */
  readonly maxNumberChars: number;
  /** Elements of one array. @default 1_000_000 */
  readonly maxElements: number;
  /** Text before the document: prose, reasoning, fences. @default 1_048_576 */
  readonly maxProseChars: number;
}

export const defaultLimits: Limits = {
  maxDepth: 256,
  maxChars: 16_777_216,
  maxStringChars: 8_388_608,
  maxKeyChars: 1_024,
  maxNumberChars: 1_024,
  maxElements: 1_000_000,
  maxProseChars: 1_048_576,
};
