/**
 * What a role may do, by the policies of the template: identity policies with their actions, resources and the conditions
 * on S3 prefixes. A statement that cannot be evaluated here is refused at the start rather than taken for an allowance.
 * Managed policies of AWS grant logging only in a Streamer stack, and logging is not asked for.
 */
import type { Stack } from "../assembly/stack.ts";
import type { Json, JsonObject } from "../assembly/template.ts";

export interface Access {
  readonly action: string;
  readonly resource: string;
  readonly context?: Readonly<Record<string, string>>;
}
export interface Statement {
  readonly isAllow: boolean;
  readonly actions: readonly RegExp[];
  readonly resources: readonly RegExp[];
  readonly conditions: readonly ((context: Readonly<Record<string, string>>) => boolean)[];
}

export function planPolicies(stack: Stack): ReadonlyMap<string, readonly Statement[]> {
  const byRole = new Map<string, Statement[]>();
  const add = (role: string | undefined, statements: readonly Statement[]): void => {
    if (role !== undefined) byRole.set(role, [...(byRole.get(role) ?? []), ...statements]);
  };
  for (const declared of stack.all("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy")) {
    const statements = parse(declared.id, declared.property("PolicyDocument") as JsonObject);
    const roles = (stack.raw(declared.id)?.Properties?.["Roles"] ?? []) as readonly Json[];
    for (const role of roles) add(stack.referred(role), statements);
  }
  for (const declared of stack.all("AWS::IAM::Role")) {
    const inline = (declared.property("Policies") ?? []) as readonly { readonly PolicyDocument: JsonObject }[];
    for (const { PolicyDocument } of inline) add(declared.id, parse(declared.id, PolicyDocument));
  }
  return byRole;
}

/** An explicit denial wins; what nothing allows is denied. */
export function isAllowed(statements: readonly Statement[], { action, resource, context = {} }: Access): boolean {
  const matching = statements.filter(
    (statement) =>
      statement.actions.some((wanted) => wanted.test(action)) &&
      statement.resources.some((wanted) => wanted.test(resource)) &&
      statement.conditions.every((holds) => holds(context)),
  );
  return matching.some(({ isAllow }) => isAllow) && matching.every(({ isAllow }) => isAllow);
}

export function parse(owner: string, document: JsonObject): readonly Statement[] {
  return many(document["Statement"]).map((each) => {
    const statement = each as JsonObject;
    if (statement["NotAction"] !== undefined || statement["NotResource"] !== undefined) {
      throw new Error(`${owner} has a statement with NotAction or NotResource, which the local run cannot evaluate.`);
    }
    return {
      isAllow: statement["Effect"] === "Allow",
      actions: texts(statement["Action"]).map((action) => pattern(action, "i")),
      resources: texts(statement["Resource"]).map((resource) => pattern(resource)),
      conditions: Object.entries((statement["Condition"] ?? {}) as JsonObject).flatMap(([operator, keys]) =>
        Object.entries(keys as JsonObject).map(([key, values]) => conditionOf(owner, operator, [key, texts(values)])),
      ),
    };
  });
}

function conditionOf(
  owner: string,
  operator: string,
  [key, values]: readonly [string, readonly string[]],
): Statement["conditions"][number] {
  const wanted = operator.replace(/^ForAny(Value|Values):|^ForAllValues:/, "");
  if (wanted === "StringEquals") return (context) => context[key] !== undefined && values.includes(context[key]);
  if (wanted === "StringLike") {
    const patterns = values.map((value) => pattern(value));
    return (context) => context[key] !== undefined && patterns.some((each) => each.test(context[key]!));
  }
  if (wanted === "Bool" && key === "aws:SecureTransport") return () => values.includes("true");
  throw new Error(`${owner} has the condition ${operator} on ${key}, which the local run cannot evaluate.`);
}

const many = (value: Json | undefined): readonly Json[] =>
  value === undefined || value === null ? [] : Array.isArray(value) ? value : [value];

const texts = (value: Json | undefined): readonly string[] => many(value) as readonly string[];

/** `*` is anything, `?` one character. */
function pattern(text: string, flags = ""): RegExp {
  const escaped = text
    .replaceAll(/[.+^${}()|[\]\\]/g, String.raw`\$&`)
    .replaceAll("*", "[^]*")
    .replaceAll("?", "[^]");
  return new RegExp(`^${escaped}$`, flags);
}
