/**
 * The expressions that the engine uses, read once for each text. What is not among them is an UnknownToModel, and so is an
 * alias or a value that is not given, or given and not used: DynamoDB refuses those as well.
 *
 *   condition  = and { OR and }        and = test { AND test }
 *   test       = "(" condition ")" | attribute_exists(name) | attribute_not_exists(name) | contains(name, :value)
 *              | operand (= <> < <= > >=) operand | operand BETWEEN :value AND :value
 *   operand    = name | :value | size(name)
 *   update     = { SET name = sum, … | REMOVE name, … | ADD name :value, … | DELETE name :value, … }
 *   sum        = operand [ + operand ] | list_append(operand, operand) | if_not_exists(name, :value)
 */
import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import { readTokens, type Tokens } from "./tokens.ts";
import { areEqual, membersOf, numberOf, order, sizeOf, UnknownToModel, type Item } from "./values.ts";

export interface Placeholders {
  readonly names?: Readonly<Record<string, string>> | undefined;
  readonly values?: Item | undefined;
}
interface Scene extends Placeholders {
  readonly item: Item;
}
type Operand = (scene: Scene) => AttributeValue | undefined;
export type Condition = (scene: Scene) => boolean;
type Action = (scene: Scene, next: Record<string, AttributeValue>) => void;

const WORD = /^[A-Za-z_]\w*$/;

function readName(tokens: Tokens): (scene: Placeholders) => string {
  const piece = tokens.take();
  if (piece.startsWith("#")) {
    return ({ names }) => {
      const name = names?.[piece];
      if (name === undefined) throw new UnknownToModel(`No attribute is given for ${piece}.`);
      return name;
    };
  }
  return WORD.test(piece) ? () => piece : tokens.fail();
}

function readOperand(tokens: Tokens): Operand {
  if (tokens.takes("size")) {
    tokens.expect("(");
    const name = readName(tokens);
    tokens.expect(")");
    // Of what is not there nothing is true.
    return (scene) => {
      const value = scene.item[name(scene)];
      return value && { N: String(sizeOf(value)) };
    };
  }
  if (!tokens.next?.startsWith(":")) {
    const name = readName(tokens);
    return (scene) => scene.item[name(scene)];
  }
  const piece = tokens.take();
  return ({ values }) => {
    const value = values?.[piece];
    if (value === undefined) throw new UnknownToModel(`No value is given for ${piece}.`);
    return value;
  };
}

const COMPARISONS: Readonly<Record<string, (ordered: number) => boolean>> = {
  "<": (ordered) => ordered < 0,
  "<=": (ordered) => ordered <= 0,
  ">": (ordered) => ordered > 0,
  ">=": (ordered) => ordered >= 0,
};

function readTest(tokens: Tokens): Condition {
  if (tokens.takes("(")) {
    const inner = readOr(tokens);
    tokens.expect(")");
    return inner;
  }
  for (const [call, isThere] of [["attribute_exists", true] as const, ["attribute_not_exists", false] as const]) {
    if (!tokens.takes(call)) continue;
    tokens.expect("(");
    const name = readName(tokens);
    tokens.expect(")");
    return (scene) => (scene.item[name(scene)] !== undefined) === isThere;
  }
  if (tokens.takes("contains")) {
    tokens.expect("(");
    const name = readName(tokens);
    tokens.expect(",");
    const member = readOperand(tokens);
    tokens.expect(")");
    return (scene) => membersOf(scene.item[name(scene)]).includes(member(scene)?.S ?? tokens.fail());
  }
  const left = readOperand(tokens);
  if (tokens.takes("BETWEEN")) {
    const least = readOperand(tokens);
    tokens.expect("AND");
    const most = readOperand(tokens);
    return (scene) => (order(left(scene), least(scene)) ?? -1) >= 0 && (order(left(scene), most(scene)) ?? 1) <= 0;
  }
  const sign = tokens.take();
  const right = readOperand(tokens);
  if (sign === "=") return (scene) => areEqual(left(scene), right(scene));
  if (sign === "<>") return (scene) => !areEqual(left(scene), right(scene));
  const holds = COMPARISONS[sign] ?? tokens.fail();
  return (scene) => {
    const ordered = order(left(scene), right(scene));
    return ordered !== undefined && holds(ordered);
  };
}

function readAnd(tokens: Tokens): Condition {
  const tests = [readTest(tokens)];
  while (tokens.takes("AND")) tests.push(readTest(tokens));
  return (scene) => tests.every((test) => test(scene));
}

function readOr(tokens: Tokens): Condition {
  const tests = [readAnd(tokens)];
  while (tokens.takes("OR")) tests.push(readAnd(tokens));
  return (scene) => tests.some((test) => test(scene));
}

function readSum(tokens: Tokens): Operand {
  if (tokens.takes("list_append")) {
    tokens.expect("(");
    const first = readOperand(tokens);
    tokens.expect(",");
    const second = readOperand(tokens);
    tokens.expect(")");
    return (scene) => {
      const lists = [first(scene)?.L, second(scene)?.L];
      return { L: lists.flatMap((list) => list ?? tokens.fail()) };
    };
  }
  if (tokens.takes("if_not_exists")) {
    tokens.expect("(");
    const name = readName(tokens);
    tokens.expect(",");
    const otherwise = readOperand(tokens);
    tokens.expect(")");
    return (scene) => scene.item[name(scene)] ?? otherwise(scene);
  }
  const first = readOperand(tokens);
  if (!tokens.takes("+")) return first;
  const second = readOperand(tokens);
  return (scene) => ({ N: String(numberOf(first(scene)) + numberOf(second(scene))) });
}

const readSet = (tokens: Tokens): Action => {
  const name = readName(tokens);
  tokens.expect("=");
  const sum = readSum(tokens);
  return (scene, next) => {
    const value = sum(scene);
    if (value === undefined) throw new UnknownToModel(`${name(scene)} is set to what is not there.`);
    next[name(scene)] = value;
  };
};

const readRemove = (tokens: Tokens): Action => {
  const name = readName(tokens);
  return (scene, next) => void delete next[name(scene)];
};

const readAdd = (tokens: Tokens): Action => {
  const [name, operand] = [readName(tokens), readOperand(tokens)];
  return (scene, next) => {
    const [before, added] = [scene.item[name(scene)], operand(scene)!];
    next[name(scene)] =
      added.SS === undefined
        ? { N: String((before ? numberOf(before) : 0) + numberOf(added)) }
        : { SS: Array.from(new Set([...membersOf(before), ...added.SS])) };
  };
};

const readDelete = (tokens: Tokens): Action => {
  const [name, operand] = [readName(tokens), readOperand(tokens)];
  return (scene, next) => {
    const gone = new Set(membersOf(operand(scene)));
    const left = membersOf(scene.item[name(scene)]).filter((member) => !gone.has(member));
    // There is no empty set.
    if (left.length > 0) next[name(scene)] = { SS: left };
    else delete next[name(scene)];
  };
};

const CLAUSES = { SET: readSet, REMOVE: readRemove, ADD: readAdd, DELETE: readDelete } as const;

/** Every right-hand side sees the item as it was. */
export type Update = (scene: Scene) => Item;

function readUpdate(tokens: Tokens): Update {
  const actions: Action[] = [];
  while (tokens.next !== undefined) {
    const clause = CLAUSES[tokens.take() as keyof typeof CLAUSES] ?? tokens.fail();
    do actions.push(clause(tokens));
    while (tokens.takes(","));
  }
  return (scene) => {
    const next = { ...scene.item };
    for (const act of actions) act(scene, next);
    return next;
  };
}

/** Reads each text once. */
function remembering<T>(read: (tokens: Tokens) => T): (expression: string) => T {
  const known = new Map<string, T>();
  return (expression) => {
    let meaning = known.get(expression);
    if (meaning === undefined) {
      const tokens = readTokens(expression);
      meaning = read(tokens);
      if (tokens.next !== undefined) tokens.fail();
      known.set(expression, meaning);
    }
    return meaning;
  };
}

export const conditionOf = remembering(readOr);
export const updateOf = remembering(readUpdate);

/** Refuses what is given for no placeholder of the call's expressions. */
export function checkPlaceholders(expressions: readonly (string | undefined)[], { names = {}, values = {} }: Placeholders): void {
  const used = new Set(expressions.flatMap((expression) => expression?.match(/[#:]\w+/g) ?? []));
  for (const given of [...Object.keys(names), ...Object.keys(values)])
    if (!used.has(given)) throw new UnknownToModel(`${given} is given, and no expression has it.`);
}
