/** An assembly whose values can be asked for: the template, its resolver, and the resources that its conditions let through. */
import { createResolver, type Environment, type Resolver } from "./intrinsics.ts";
import { createNames, type RunningFacts } from "./names.ts";
import type { Assembly, Json, JsonObject, Resource } from "./template.ts";

export interface Declared {
  readonly id: string;
  readonly type: string;
  property(name: string): Json | undefined;
  /** Undefined when the template does not have it. */
  text(name: string): string | undefined;
  number(name: string): number | undefined;
  /** A text that must be there. */
  required(name: string): string;
}

export interface Stack {
  readonly environment: Environment;
  readonly resolver: Resolver;
  asset(objectKey: string): string | undefined;
  /** Every resource of one of these types. Properties are resolved when they are asked for. */
  all(...types: readonly string[]): readonly Declared[];
  /** Logical id of the resource that a value refers to by Ref or GetAtt. */
  referred(value: Json | undefined): string | undefined;
  raw(id: string): Resource | undefined;
}

/** Stands in for an account that the stack is not bound to. */
const SOME_ACCOUNT = "000000000000";
const SOME_REGION = "us-east-1";

export function openStack(assembly: Assembly, facts: RunningFacts): Stack {
  const { template } = assembly;
  const environment: Environment = {
    account: assembly.account ?? SOME_ACCOUNT,
    region: assembly.region ?? SOME_REGION,
    partition: "aws",
    urlSuffix: "amazonaws.com",
    stackName: assembly.stackName,
  };
  const resolver: Resolver = createResolver(
    template,
    environment,
    createNames(template, environment, facts, (value, owner) => resolver.text(value, owner)),
  );

  const declare = (id: string, { Type, Properties }: Resource): Declared => {
    const property = (name: string): Json | undefined => {
      const value = Properties?.[name];
      return value === undefined ? undefined : resolver.resolve(value, id);
    };
    const text = (name: string): string | undefined => {
      const value = property(name);
      return value === undefined || value === null ? undefined : resolver.text(value, id);
    };
    return {
      id,
      type: Type,
      property,
      text,
      number: (name) => {
        const value = text(name);
        return value === undefined ? undefined : Number(value);
      },
      required: (name) => {
        const value = text(name);
        if (value === undefined) throw new Error(`${id} (${Type}) has no ${name}.`);
        return value;
      },
    };
  };

  return {
    environment,
    resolver,
    asset: assembly.asset,
    all: (...types) =>
      Object.entries(template.Resources)
        .filter(([id, { Type, Condition }]) => types.includes(Type) && resolver.isPresent(Condition, id))
        .map(([id, resource]) => declare(id, resource)),
    referred: (value) => {
      if (value === null || typeof value !== "object" || Array.isArray(value)) return undefined;
      const { Ref: ref, "Fn::GetAtt": attribute } = value as JsonObject;
      if (typeof ref === "string") return ref;
      if (typeof attribute === "string") return attribute.split(".")[0];
      return Array.isArray(attribute) ? String(attribute[0]) : undefined;
    },
    raw: (id) => template.Resources[id],
  };
}
