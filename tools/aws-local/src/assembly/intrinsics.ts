/**
 * Evaluates the intrinsic functions of a template against what the local resources are called. What it does not know it
 * refuses, naming the logical id that needs it: a value made up here would hide a fault of the stack.
 */
import type { Json, JsonObject, Template } from "./template.ts";

export interface Environment {
  readonly account: string;
  readonly region: string;
  readonly partition: string;
  readonly urlSuffix: string;
  readonly stackName: string;
}

/** What a resource is called here. Throws a reason for what it does not know. */
export interface ResourceNames {
  ref(logicalId: string): string;
  attribute(logicalId: string, name: string): string;
}

export interface Resolver {
  /** `owner` is the logical id in whose name the value is asked for. */
  resolve(value: Json | undefined, owner: string): Json;
  text(value: Json | undefined, owner: string): string;
  isPresent(condition: string | undefined, owner: string): boolean;
}

/** CloudFormation's "leave this property out". */
const NO_VALUE = Symbol("AWS::NoValue");
type Value = Json | typeof NO_VALUE;

export function createResolver(template: Template, environment: Environment, names: ResourceNames): Resolver {
  const pseudo: Readonly<Record<string, Value>> = {
    "AWS::AccountId": environment.account,
    "AWS::Region": environment.region,
    "AWS::Partition": environment.partition,
    "AWS::URLSuffix": environment.urlSuffix,
    "AWS::StackName": environment.stackName,
    "AWS::StackId": `arn:${environment.partition}:cloudformation:${environment.region}:${environment.account}:stack/${environment.stackName}/local`,
    "AWS::NotificationARNs": [],
    "AWS::NoValue": NO_VALUE,
  };

  function evaluate(value: Json | undefined, owner: string): Value {
    if (value === undefined || value === null || typeof value !== "object") return value ?? null;
    if (isList(value)) return value.map((item) => evaluate(item, owner)).filter((item) => item !== NO_VALUE);
    const [key, ...others] = Object.keys(value);
    if (key !== undefined && others.length === 0 && (key === "Ref" || key === "Condition" || key.startsWith("Fn::"))) {
      const intrinsic = INTRINSICS[key];
      if (key === "Condition" && typeof value[key] !== "string") return object(value, owner);
      if (!intrinsic) throw refused(owner, `uses ${key}, which the local run does not know`);
      return intrinsic(value[key] ?? null, owner);
    }
    return object(value, owner);
  }

  function object(value: JsonObject, owner: string): JsonObject {
    const entries = Object.entries(value).map(([name, inner]) => [name, evaluate(inner, owner)] as const);
    return Object.fromEntries(entries.filter(([, inner]) => inner !== NO_VALUE)) as JsonObject;
  }

  const list = (value: Json, owner: string): readonly Json[] => {
    const evaluated = evaluate(value, owner);
    if (!isList(evaluated)) throw refused(owner, `needs a list where it has ${JSON.stringify(value)}`);
    return evaluated;
  };
  const text = (value: Json | undefined, owner: string): string => {
    const evaluated = evaluate(value, owner);
    if (typeof evaluated === "string" || typeof evaluated === "number" || typeof evaluated === "boolean") return String(evaluated);
    throw refused(owner, `needs a text where it has ${JSON.stringify(value)}`);
  };
  const reference = (name: string, owner: string): Value => {
    if (name in pseudo) return pseudo[name]!;
    const parameter = template.Parameters?.[name];
    if (parameter) {
      if (parameter.Default === undefined) throw refused(owner, `refers to the parameter ${name}, which has no default`);
      return parameter.Default;
    }
    return named(owner, name, () => names.ref(name));
  };
  const named = (owner: string, id: string, find: () => string): string => {
    if (!(id in template.Resources)) throw refused(owner, `refers to ${id}, which is not in the template`);
    try {
      return find();
    } catch (error) {
      throw refused(owner, (error as Error).message);
    }
  };
  const condition = (value: Json, owner: string): boolean => {
    if (typeof value !== "string") return evaluate(value, owner) === true;
    const definition = template.Conditions?.[value];
    if (definition === undefined) throw refused(owner, `names the condition ${value}, which is not in the template`);
    return evaluate(definition, owner) === true;
  };

  const INTRINSICS: Readonly<Record<string, (argument: Json, owner: string) => Value>> = {
    Ref: (argument, owner) => reference(argument as string, owner),
    Condition: (argument, owner) => condition(argument, owner),
    "Fn::GetAtt": (argument, owner) => {
      const [id, ...path] =
        typeof argument === "string" ? argument.split(".") : (argument as readonly Json[]).map((part) => text(part, owner));
      return named(owner, id!, () => names.attribute(id!, path.join(".")));
    },
    "Fn::Join": (argument, owner) => {
      const [separator, parts] = argument as readonly [string, Json];
      return list(parts, owner)
        .map((part) => text(part, owner))
        .join(separator);
    },
    "Fn::Sub": (argument, owner) => {
      const [pattern, variables] = typeof argument === "string" ? [argument, {}] : (argument as readonly [string, JsonObject]);
      return pattern.replaceAll(/\$\{(!?)([^}]+)\}/g, (_whole, literal: string, name: string) => {
        if (literal) return `\${${name}}`;
        if (variables[name] !== undefined) return text(variables[name], owner);
        return text(name.includes(".") ? { "Fn::GetAtt": name } : { Ref: name }, owner);
      });
    },
    "Fn::Select": (argument, owner) => {
      const [index, from] = argument as readonly [Json, Json];
      const chosen = list(from, owner)[Number(text(index, owner))];
      if (chosen === undefined) throw refused(owner, `selects what is not in its list: ${JSON.stringify(argument)}`);
      return chosen;
    },
    "Fn::Split": (argument, owner) => {
      const [separator, value] = argument as readonly [string, Json];
      return text(value, owner).split(separator);
    },
    "Fn::If": (argument, owner) => {
      const [name, yes, no] = argument as readonly [Json, Json, Json];
      return evaluate(condition(name, owner) ? yes : no, owner);
    },
    "Fn::Equals": (argument, owner) => {
      const [left, right] = list(argument, owner);
      return JSON.stringify(left) === JSON.stringify(right);
    },
    "Fn::Not": (argument, owner) => !condition((argument as readonly Json[])[0]!, owner),
    "Fn::And": (argument, owner) => (argument as readonly Json[]).every((part) => condition(part, owner)),
    "Fn::Or": (argument, owner) => (argument as readonly Json[]).some((part) => condition(part, owner)),
    "Fn::FindInMap": (argument, owner) => {
      const [map, top, second] = list(argument, owner).map((part) => text(part, owner));
      const found = template.Mappings?.[map!]?.[top!]?.[second!];
      if (found === undefined) throw refused(owner, `finds nothing in the map ${map} under ${top}, ${second}`);
      return found;
    },
    "Fn::Base64": (argument, owner) => Buffer.from(text(argument, owner)).toString("base64"),
  };

  return {
    resolve: (value, owner) => {
      const evaluated = evaluate(value, owner);
      return evaluated === NO_VALUE ? null : evaluated;
    },
    text,
    isPresent: (name, owner) => name === undefined || condition(name, owner),
  };
}

const isList = (value: Value): value is readonly Json[] => Array.isArray(value);
const refused = (owner: string, what: string): Error => new Error(`${owner} ${what}.`);
