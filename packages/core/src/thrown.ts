/**
 * Reads what handlers throw. Anything can be thrown: objects without a prototype, symbols, getters that throw, revoked
 * proxies, details that are not JSON. Nothing here throws, whatever it is given, and everything it answers is short
 * enough to be stored, sent and logged: how a run ended must never depend on whether its error can be printed.
 */
import type { JsonObject } from "@streamer/protocol";
import { leastJsonLength } from "./json-length.ts";

/** What a message on the wire may have. */
const MAX_MESSAGE_LENGTH = 1_024;
const MAX_NAME_LENGTH = 128;
const MAX_STACK_LENGTH = 16_384;
/** Of details, in characters of JSON: more belongs in a file or a partial. */
const MAX_DETAILS_LENGTH = 16_384;

/** A member of whatever it is; undefined when there is none, or when reading it fails. */
export function memberOf(value: unknown, name: PropertyKey): unknown {
  if ((typeof value !== "object" && typeof value !== "function") || value === null) return undefined;
  try {
    return (value as Record<PropertyKey, unknown>)[name];
  } catch {
    return undefined;
  }
}

/** `instanceof`, also of a revoked proxy. */
export function isError(value: unknown): value is Error {
  try {
    return value instanceof Error;
  } catch {
    return false;
  }
}

/**
 * An Error that loggers and serializers can walk over without running foreign code: its members are plain values, and
 * its texts are texts.
 */
export function isPlainError(value: unknown): value is Error {
  if (!isError(value)) return false;
  try {
    const { stack: _, ...members } = Object.getOwnPropertyDescriptors(value);
    if (Object.values(members).some((member) => !("value" in member))) return false;
    const texts = [value.name, value.message, value.stack ?? ""];
    return texts.every((text) => typeof text === "string") && value.message.length <= MAX_STACK_LENGTH;
  } catch {
    return false;
  }
}

const SYSTEM = Symbol.for("streamer.system_code");
/** Errors of the language: a mistake in a program, not a word of its author. */
const OF_THE_LANGUAGE: ReadonlySet<string> = new Set([
  "TypeError",
  "RangeError",
  "ReferenceError",
  "SyntaxError",
  "EvalError",
  "URIError",
  "DataCloneError",
]);

/**
 * Which system an error comes from that no author wrote: a code of the operating system (`EMFILE`), of Node or one of its
 * parts (`ERR_SQLITE_ERROR`), the name of an error of the language (`TypeError`), or of a service's client (`AccessDenied`).
 * Undefined for any other. It is kept by what `markSystem` has marked.
 */
export function systemCodeOf(thrown: unknown): string | undefined {
  const marked = memberOf(thrown, SYSTEM);
  if (typeof marked === "string") return marked;
  if (!isError(thrown)) return undefined;
  const [code, name] = [memberOf(thrown, "code"), nameOf(thrown)];
  if (typeof code === "string" && isSystemCode(code, thrown)) return shorten(code, MAX_NAME_LENGTH);
  // An error of an SDK of AWS: https://github.com/smithy-lang/smithy-typescript, ServiceException.
  const isOfService = memberOf(thrown, "$fault") !== undefined || memberOf(thrown, "$metadata") !== undefined;
  return isOfService || OF_THE_LANGUAGE.has(name) ? name : undefined;
}

const isSystemCode = (code: string, thrown: Error): boolean =>
  /^ERR_[A-Z0-9_]+$/.test(code) ||
  (/^E[A-Z0-9]{2,}$/.test(code) && (memberOf(thrown, "errno") !== undefined || memberOf(thrown, "syscall") !== undefined));

/** For an error that crosses from another process: there it was one of a system. */
export const markSystem = <E extends Error>(error: E, code: string): E =>
  Object.assign(error, { [SYSTEM]: shorten(code, MAX_NAME_LENGTH) });

/** What a thrown value says; empty only when an Error, or its description, says nothing. */
export function messageOf(thrown: unknown): string {
  const message = memberOf(thrown, "message");
  if (typeof message === "string") return shorten(message, MAX_MESSAGE_LENGTH);
  return shorten(printed(message ?? thrown), MAX_MESSAGE_LENGTH);
}

export function nameOf(thrown: unknown): string {
  const name = memberOf(thrown, "name");
  return typeof name === "string" && name !== "" ? shorten(name, MAX_NAME_LENGTH) : "Error";
}

export function stackOf(thrown: unknown): string | undefined {
  const stack = memberOf(thrown, "stack");
  return typeof stack === "string" ? shorten(stack, MAX_STACK_LENGTH) : undefined;
}

/** Details as they can be stored and sent, or why they cannot. They are copied: what happens to them later is not sent. */
export function detailsOf(details: unknown): { readonly details?: JsonObject; readonly problem?: string } {
  if (details === undefined || details === null) return {};
  try {
    const least = leastJsonLength(details, MAX_DETAILS_LENGTH);
    if (least > MAX_DETAILS_LENGTH) return { problem: `at least ${least} characters of JSON are over the limit of ${MAX_DETAILS_LENGTH}` };
    const text = JSON.stringify(details);
    if (text === undefined || !text.startsWith("{")) return { problem: "they are not a JSON object" };
    if (text.length > MAX_DETAILS_LENGTH) {
      return { problem: `${text.length} characters of JSON are over the limit of ${MAX_DETAILS_LENGTH}` };
    }
    return { details: JSON.parse(text) as JsonObject };
  } catch (error) {
    return { problem: `they are not JSON: ${shorten(messageOf(error).split("\n", 1)[0]!, MAX_NAME_LENGTH)}` };
  }
}

/** A message that ends with a note, which is kept whatever has to be cut. */
export function withNote(message: string, note: string | undefined): string {
  if (note === undefined) return shorten(message, MAX_MESSAGE_LENGTH);
  const end = ` (${note})`;
  return message.endsWith(end) ? message : shorten(message, MAX_MESSAGE_LENGTH - end.length) + end;
}

export const detailsNote = (problem: string | undefined): string | undefined => problem && `its details were left out: ${problem}`;

function printed(value: unknown): string {
  try {
    if (typeof value === "string") return value === "" ? "An empty text was thrown" : value;
    if (typeof value === "function") return "A function was thrown";
    if (typeof value === "object" && leastJsonLength(value, MAX_DETAILS_LENGTH) > MAX_DETAILS_LENGTH) return "A large object was thrown";
    const text = typeof value === "object" && value !== null ? JSON.stringify(value) : String(value);
    return text === undefined || text === "{}" ? "An object without a message was thrown" : text;
  } catch {
    return "A value was thrown that cannot be shown";
  }
}

/** Cut so that no half of a character is left. */
function shorten(text: string, length: number): string {
  if (text.length <= length) return text;
  const cut = text.slice(0, length - 1);
  return `${/[\uD800-\uDBFF]$/.test(cut) ? cut.slice(0, -1) : cut}…`;
}
