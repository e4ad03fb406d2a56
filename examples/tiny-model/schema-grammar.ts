import {
  anyObject,
  anyValue,
  END,
  list,
  literal,
  MAX_NUMBER,
  number,
  oneOf,
  stringRest,
  type Grammar,
} from "./grammar.ts";

/** The grammar of a schema, and what of the schema it does not hold the text to. */
export interface SchemaGrammar {
  readonly grammar: Grammar;
  /** One sentence for each part of the schema that was not understood. */
  readonly gaps: readonly string[];
}

/**
 * The grammar of the JSON texts that fit `schema` (JSON Schema draft 7, in the forms that zod makes).
 *
 * Objects get the keys of `properties`, all of them and in that order, optional ones too. Texts are written the way
 * the model was trained on: ", " and ": " between the parts, and `\u` escapes for everything beyond ASCII. What is not
 * understood becomes any JSON value, and is listed in `gaps`.
 */
export function schemaGrammar(schema: unknown): SchemaGrammar {
  const gaps: string[] = [];
  const rule = compile(schema, { path: "", gap: (sentence) => gaps.push(sentence) });
  return { grammar: rule(END), gaps };
}

/** The grammar of any JSON object: what a request for JSON without a schema gets. */
export const ANY_OBJECT: Grammar = anyObject(anyValue, END);

/** The grammar of one value, given what follows it. */
type Rule = (then: Grammar) => Grammar;

interface Place {
  /** Where in the schema: "/steps/items"; "" for the whole. */
  readonly path: string;
  /** Reports what the grammar leaves open. */
  readonly gap: (sentence: string) => void;
}

type Keywords = Readonly<Record<string, unknown>>;

function compile(schema: unknown, place: Place): Rule {
  if (schema === true) return anyValue;
  if (!isKeywords(schema)) {
    place.gap(`${nameOf(place)}: no schema, so any JSON value may come`);
    return anyValue;
  }
  if ("const" in schema) return words([schema["const"]]);
  if (isList(schema["enum"])) return words(schema["enum"]);
  const alternatives = schema["anyOf"] ?? schema["oneOf"];
  if (isList(alternatives)) {
    return choice(alternatives.map((each, index) => compile(each, within(place, `anyOf/${index}`))));
  }
  const { type } = schema;
  if (isList(type)) return choice(type.map((each) => compile({ ...schema, type: each }, place)));

  const kind = typeof type === "string" ? KINDS.get(type) : undefined;
  const heeded = kind?.heeds ?? [];
  const unheeded = Object.keys(schema).filter((key) => !heeded.includes(key) && !REMARKS.has(key));
  if (unheeded.length > 0) place.gap(`${nameOf(place)}: nothing holds the value to ${unheeded.join(", ")}`);
  return kind?.compile(schema, place) ?? anyValue;
}

/** Keywords that do not narrow what is written: all keys come, and no others. */
const REMARKS: ReadonlySet<string> = new Set([
  "$schema",
  "type",
  "title",
  "description",
  "default",
  "examples",
  "required",
  "additionalProperties",
]);

const NUMBER_BOUNDS = ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"];

/** How each JSON type is written, and the keywords it heeds. */
const KINDS: ReadonlyMap<string, { readonly heeds: readonly string[]; compile(schema: Keywords, place: Place): Rule }> =
  new Map([
    ["null", { heeds: [], compile: () => words([null]) }],
    ["boolean", { heeds: [], compile: () => words([true, false]) }],
    ["string", { heeds: ["minLength", "maxLength"], compile: compileString }],
    ["integer", { heeds: NUMBER_BOUNDS, compile: (schema, place) => compileNumber(schema, place, 0) }],
    ["number", { heeds: NUMBER_BOUNDS, compile: (schema, place) => compileNumber(schema, place, 3) }],
    ["array", { heeds: ["items", "minItems", "maxItems"], compile: compileArray }],
    ["object", { heeds: ["properties"], compile: compileObject }],
  ]);

function compileString(schema: Keywords): Rule {
  const length = { min: numberOr(schema["minLength"], 0), max: numberOr(schema["maxLength"], Infinity) };
  return (then) => literal('"', stringRest(length, then));
}

function compileNumber(schema: Keywords, place: Place, decimals: number): Rule {
  const unit = 10 ** decimals;
  const above = numberOr(schema["exclusiveMinimum"], -Infinity);
  const below = numberOr(schema["exclusiveMaximum"], Infinity);
  const least = Math.max(numberOr(schema["minimum"], -MAX_NUMBER), (Math.floor(above * unit) + 1) / unit);
  const most = Math.min(numberOr(schema["maximum"], MAX_NUMBER), (Math.ceil(below * unit) - 1) / unit);
  const [min, max] = [Math.max(least, -MAX_NUMBER), Math.min(most, MAX_NUMBER)];
  if (Math.ceil(min * unit) <= Math.floor(max * unit)) return (then) => number({ min, max, decimals }, then);
  place.gap(`${nameOf(place)}: no number that could be written lies within the bounds, so any number may come`);
  return (then) => number({ min: -MAX_NUMBER, max: MAX_NUMBER, decimals }, then);
}

function compileArray(schema: Keywords, place: Place): Rule {
  const item = compile(schema["items"] ?? true, within(place, "items"));
  const count = { min: numberOr(schema["minItems"], 0), max: numberOr(schema["maxItems"], Infinity) };
  return (then) => literal("[", list(item, count, literal("]", then)));
}

function compileObject(schema: Keywords, place: Place): Rule {
  const { properties, additionalProperties } = schema;
  if (!isKeywords(properties)) {
    const value = isKeywords(additionalProperties) ? compile(additionalProperties, within(place, "*")) : anyValue;
    return (then) => anyObject(value, then);
  }
  const members = Object.entries(properties).map(([key, value], index): Rule => {
    const rule = compile(value, within(place, key));
    return (then) => literal(`${index === 0 ? "" : ", "}${asciiJson(key)}: `, rule(then));
  });
  return (then) =>
    literal(
      "{",
      members.reduceRight((rest, member) => member(rest), literal("}", then)),
    );
}

/** One of the given values, letter by letter. */
function words(values: readonly unknown[]): Rule {
  return (then) => oneOf(values.map((value) => literal(asciiJson(value), then)));
}

function choice(rules: readonly Rule[]): Rule {
  return (then) => oneOf(rules.map((rule) => rule(then)));
}

/** JSON with `\u` escapes for everything beyond ASCII: a token then is a whole number of characters. */
function asciiJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\u007f-\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

function within(place: Place, step: string): Place {
  return { ...place, path: `${place.path}/${step}` };
}

function nameOf({ path }: Place): string {
  return path === "" ? "the whole" : path;
}

function numberOr(value: unknown, otherwise: number): number {
  return typeof value === "number" ? value : otherwise;
}

function isKeywords(value: unknown): value is Keywords {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value) && value.length > 0;
}
