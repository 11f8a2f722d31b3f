/** Attribute values as DynamoDB has them: which are equal, which comes first, how they add up. */
import type { AttributeValue } from "@aws-sdk/client-dynamodb";

export type Item = Readonly<Record<string, AttributeValue>>;

/** An expression or a call that the model does not know: it answers nothing it is not sure of. */
export class UnknownToModel extends Error {
  override readonly name = "UnknownToModel";
}

export const numberOf = (value: AttributeValue | undefined): number => {
  if (value?.N === undefined) throw new UnknownToModel(`${JSON.stringify(value)} is no number.`);
  return Number(value.N);
};

export const membersOf = (value: AttributeValue | undefined): readonly string[] => {
  if (value === undefined) return [];
  if (value.SS === undefined) throw new UnknownToModel(`${JSON.stringify(value)} is no set of strings.`);
  return value.SS;
};

export function areEqual(a: AttributeValue | undefined, b: AttributeValue | undefined): boolean {
  if (a === undefined || b === undefined) return false;
  if (a.S !== undefined) return a.S === b.S;
  if (a.N !== undefined) return b.N !== undefined && Number(a.N) === Number(b.N);
  if (a.BOOL !== undefined) return a.BOOL === b.BOOL;
  throw new UnknownToModel(`${JSON.stringify(a)} is compared with ${JSON.stringify(b)}.`);
}

/** Strings by their UTF-8 bytes, numbers by value. Undefined when they are of different types. */
export function order(a: AttributeValue | undefined, b: AttributeValue | undefined): number | undefined {
  if (a?.N !== undefined && b?.N !== undefined) return Number(a.N) - Number(b.N);
  if (a?.S !== undefined && b?.S !== undefined) return a.S === b.S ? 0 : Buffer.compare(Buffer.from(a.S), Buffer.from(b.S));
  return undefined;
}

export function sizeOf(value: AttributeValue | undefined): number {
  if (value?.SS !== undefined) return value.SS.length;
  if (value?.S !== undefined) return Buffer.byteLength(value.S);
  throw new UnknownToModel(`The size of ${JSON.stringify(value)} is asked for.`);
}
