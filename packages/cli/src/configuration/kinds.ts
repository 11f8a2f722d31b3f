/**
 * What a value of an option may be, as text (of a flag or a variable) and as a value (of the configuration file). Both
 * throw an InvalidArgumentError that says what to give; who calls says of which option.
 */
import { dirname, resolve } from "node:path";
import { InvalidArgumentError } from "commander";
import { duration as durationMs, durationText, wholeNumber as wholeNumberIn } from "../values.ts";

/** `T` is what the server is given, `Written` what the file may hold. */
export interface Kind<T, Written = T> {
  /** What stands behind the flag, as in `--port <n>`; a switch has none. */
  readonly placeholder?: string;
  readonly choices?: readonly string[];
  /** For people. */
  readonly says: string;
  fromText(text: string, before?: T): T;
  /** `file` is where it is written: paths are meant from there. */
  fromValue(value: unknown, file: string): T;
  /** As people read it; default as it is. */
  shown?(value: T): string;
  /** Never called: keeps what may be written in the type. */
  readonly written?: Written;
}

export const text = (placeholder: string): Kind<string> => ({
  placeholder,
  says: "text",
  fromText: filled,
  fromValue: (value) => filled(textIn(value)),
});

/** A path, or a folder's: in the file it is meant from the file's folder, else from where the command runs. */
export const path = (placeholder: "file" | "folder"): Kind<string> => ({
  placeholder,
  says: placeholder,
  fromText: filled,
  fromValue: (value, file) => resolve(dirname(file), filled(textIn(value))),
});

export const httpUrl: Kind<string> = {
  placeholder: "url",
  says: "URL",
  fromText: asUrl,
  fromValue: (value) => asUrl(textIn(value)),
};

export const urlOrFile: Kind<string> = {
  placeholder: "url",
  says: "URL or file",
  fromText: filled,
  fromValue: (value, file) => {
    const found = filled(textIn(value));
    return /^https?:/i.test(found) ? found : path("file").fromValue(found, file);
  },
};

export function wholeNumber(min: number, max: number): Kind<number> {
  const fromText = wholeNumberIn(min, max);
  return {
    placeholder: "n",
    says: `whole number, ${min.toLocaleString("en")} to ${max.toLocaleString("en")}`,
    fromText: (given) => fromText(given),
    fromValue: (value) => {
      if (typeof value !== "number") throw new InvalidArgumentError(`Give a whole number from ${min} to ${max}, not ${described(value)}.`);
      return fromText(String(value));
    },
  };
}

export const duration: Kind<number, string | number> = {
  placeholder: "duration",
  says: "duration: 500ms, 30s, 10m, 2h, 7d; a number is seconds",
  fromText: (given) => durationMs(given),
  shown: durationText,
  fromValue: (value) => durationMs(typeof value === "number" ? String(value) : textIn(value)),
};

export function choice<const C extends string>(choices: readonly C[]): Kind<C> {
  const fromText = (given: string): C => {
    const found = choices.find((one) => one === given);
    if (found === undefined) throw new InvalidArgumentError(`Give one of ${choices.join(", ")}.`);
    return found;
  };
  return {
    placeholder: "level",
    says: choices.join(", "),
    choices,
    fromText,
    fromValue: (value) => fromText(textIn(value)),
  };
}

/** Several: with commas, or the flag several times, or an array. */
export const several = (one: Kind<string>, placeholder: string): Kind<readonly string[], string | readonly string[]> => ({
  placeholder,
  says: `${one.says}, or several: with commas, or an array`,
  fromText: (given, before = []) => [...before, ...pieces(given).map((piece) => one.fromText(piece))],
  fromValue: (value, file) => (Array.isArray(value) ? value : pieces(textIn(value))).map((piece) => one.fromValue(piece, file)),
});

const SWITCHED: Readonly<Record<string, boolean>> = {
  true: true,
  1: true,
  yes: true,
  on: true,
  false: false,
  0: false,
  no: false,
  off: false,
};

/** On or off: `--watch` or `--no-watch`. */
export const onOrOff: Kind<boolean> = {
  says: "true or false",
  fromText: (given) => {
    const found = SWITCHED[given.toLowerCase()];
    if (found === undefined) throw new InvalidArgumentError("Give true or false.");
    return found;
  },
  fromValue: (value) => {
    if (typeof value !== "boolean") throw new InvalidArgumentError(`Give true or false, not ${described(value)}.`);
    return value;
  },
};

function pieces(given: string): readonly string[] {
  const found = given.split(",").flatMap((piece) => piece.trim() || []);
  if (found.length === 0) throw new InvalidArgumentError("Give one or more, with commas between.");
  return found;
}

function filled(given: string): string {
  if (given.trim() === "") throw new InvalidArgumentError("Give some text: it is empty.");
  return given;
}

function asUrl(given: string): string {
  if (!/^https?:$/.test(URL.parse(given)?.protocol ?? ""))
    throw new InvalidArgumentError("Give a URL such as https://streamer.example.com.");
  return given;
}

function textIn(value: unknown): string {
  if (typeof value !== "string") throw new InvalidArgumentError(`Give text, not ${described(value)}.`);
  return value;
}

const described = (value: unknown): string =>
  value === null
    ? "null"
    : Array.isArray(value)
      ? "an array"
      : typeof value === "object"
        ? "an object"
        : `${typeof value} ${JSON.stringify(value)}`;
