// YAML files that people write, and their values. Whatever is wrong with one is said with its place: line and column, or the
// field, and what belongs there. YAML takes bare digits, 12e5, yes-like words and dates for something else than
// text: what was meant as text is refused then, with the advice that helps, never guessed back.

import { type DocumentOptions, parse, type SchemaOptions, YAMLParseError } from 'yaml';
import * as z from 'zod';
import { CountersignError } from '../errors.js';
import type { ReasonName } from '../reasons.js';

const QUOTES = 'is not text: put it in quotes, or YAML reads it as a number, a date or a boolean';
const ABSENT = 'is missing';
/** Of what zod expects, in words. */
const EXPECTED: Record<string, string> = {
  object: 'is not a map of names to values',
  record: 'is not a map of names to values',
  array: 'is not a list',
  string: 'is not text',
  number: 'is not a number',
  boolean: 'is neither true nor false',
};

/** Whose file it is, for the words of an error. */
export interface YamlFile {
  /** "bootstrap", "config" */
  area: string;
  /** Its path. */
  what: string;
  /** Where to look for what it holds. */
  hint: string;
  reason?: ReasonName;
  /** How scalars are read; default: as YAML 1.2 has them. */
  scalars?: DocumentOptions & SchemaOptions;
}

/** What the file says, as the schema has it. FileMalformed, or the reason of the file, names the place of the first fault. */
export function readYaml<S extends z.ZodType>(source: Uint8Array | string, schema: S, file: YamlFile): z.output<S> {
  const parsed = schema.safeParse(yamlValue(source, file), { error: issueText });
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const place = issue?.path.join('.') || 'the document';
  throw malformed(file, `: ${place}: ${issue?.message}`, file.hint, parsed.error);
}

const issueText: z.core.$ZodErrorMap = (issue) => {
  if (issue.code === 'unrecognized_keys') return `has an unknown field: ${issue.keys.join(', ')}`;
  if (issue.code !== 'invalid_type' && issue.code !== 'invalid_value') return undefined;
  if (issue.input === undefined) return ABSENT;
  return issue.code === 'invalid_type' ? EXPECTED[issue.expected] : undefined;
};

/** The value of a file that no schema has seen yet. */
export function yamlValue(source: Uint8Array | string, file: YamlFile): unknown {
  let text = '';
  try {
    text = typeof source === 'string' ? source : new TextDecoder('utf-8', { fatal: true }).decode(source);
    return parse(text, file.scalars ?? {});
  } catch (cause) {
    if (!(cause instanceof YAMLParseError) || cause.linePos === undefined) {
      throw malformed(file, ' is not YAML: it is not text', `check that it is the right file; ${file.hint}`, cause);
    }
    const { line, col, why } = placeOf(cause, text);
    const hint = 'correct that line; YAML is indented with spaces, and each name stands once';
    throw malformed(file, ` is not YAML at line ${line}, column ${col}: ${why}`, hint, cause);
  }
}

/**
 * Where a person finds the fault. A line that is indented under one with a value continues that value: the parser then points at
 * the value, a line too early.
 */
function placeOf({ code, linePos, message }: YAMLParseError, text: string): { line: number; col: number; why: string } {
  const [{ line, col }] = linePos!;
  const lines = text.split('\n');
  const continued = /IMPLICIT_KEY$/.test(code) && !/:(\s|$)/.test((lines[line - 1] ?? '').slice(col - 1));
  const next = lines[line];
  if (!continued || !next || !/^\s/.test(next)) return { line, col, why: message.split(/ at line \d+/)[0] ?? '' };
  const why = 'it is indented under a line that has a value already';
  return { line: line + 1, col: next.search(/\S/) + 1, why };
}

const malformed = ({ area, what, reason }: YamlFile, why: string, hint: string, cause: unknown) =>
  new CountersignError(reason ?? 'FileMalformed', `${area}: ${what}${why}`, { hint, cause });

/** Text where YAML may have found something else. */
const textError = ({ input }: { input?: unknown }) => (input === undefined ? ABSENT : QUOTES);

/** Text that is not empty. */
export const yamlText = z.string({ error: textError }).min(1, 'is empty');

/** Bytes as hex, such as a device id. */
export const yamlHex = z.string({ error: textError }).regex(/^([0-9a-f]{2})+$/i, 'is not hex');

/** A list of some of these words. */
export const yamlWords = <T extends string>(words: readonly [T, ...T[]]) =>
  z.array(z.enum(words), { error: `is a list of some of: ${words.join(', ')}` });
