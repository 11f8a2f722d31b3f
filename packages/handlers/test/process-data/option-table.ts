/** The table of options as the guide prints it, from the schema itself: name, what it may be, default, what it does. */
import { z } from "zod";

interface Property {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly const?: string | number;
  readonly anyOf?: readonly Property[];
  readonly items?: Property;
  readonly properties?: Readonly<Record<string, Property>>;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly default?: unknown;
  readonly description?: string;
}

export function optionTable(schema: z.ZodType): string[] {
  const { properties = {} } = z.toJSONSchema(schema, { io: "input" }) as { properties?: Readonly<Record<string, Property>> };
  return Object.entries(properties).map(([name, property]) => {
    const initial = "default" in property ? `\`${JSON.stringify(property.default)}\`` : "";
    return `| \`${name}\` | ${rangeOf(property)} | ${initial} | ${property.description ?? ""} |`;
  });
}

const count = (value: number): string => value.toLocaleString("en-US", { maximumFractionDigits: 6 });

function rangeOf(property: Property): string {
  if (property.anyOf) return property.anyOf.map(rangeOf).join(" or ");
  if (property.const !== undefined) return `\`${String(property.const)}\``;
  if (property.enum) return property.enum.map((value) => `\`${String(value)}\``).join(", ");
  if (property.properties) {
    const fields = Object.entries(property.properties).map(
      ([name, field]) => `"${name}": ${rangeOf(field).replaceAll("`", field.const === undefined ? "" : '"')}`,
    );
    return `{ ${fields.join(", ")} }`;
  }
  if (property.type === "array") return `list of ${rangeOf(property.items ?? {})}`;
  if (property.minimum !== undefined && property.maximum !== undefined) return `${count(property.minimum)} to ${count(property.maximum)}`;
  return { boolean: "true or false", string: "text" }[property.type ?? ""] ?? String(property.type);
}
