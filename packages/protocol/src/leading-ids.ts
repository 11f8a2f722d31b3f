/** What a frame that will not be parsed is about: read from its beginning, where clients write it, at a fixed cost. */
import { MAX_ID_LENGTH } from "./messages.ts";

/** Room for the longest ids in their longest spelling, and what usually stands beside them. */
const HEAD_LENGTH = 2_048;
/** A member of the outermost object with a scalar value; anything else ends the reading. */
const MEMBER = /\s{0,64}[{,]\s{0,64}"(\w{1,32})"\s{0,64}:\s{0,64}("(?:[^"\\]|\\.){0,1024}"|-?\d{1,20}|true|false|null)(?=\s{0,64}[,}])/y;

const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

export interface LeadingIds {
  readonly requestId?: string;
  readonly ref?: string;
}

/** The ids that stand before the first array, object or unreadable member; of a name that occurs twice the last counts. */
export function leadingIds(data: string | Uint8Array): LeadingIds {
  const head = typeof data === "string" ? data.slice(0, HEAD_LENGTH) : utf8.decode(data.subarray(0, HEAD_LENGTH));
  const members = new Map<string, unknown>();
  MEMBER.lastIndex = 0;
  for (let member = MEMBER.exec(head); member; member = MEMBER.exec(head)) members.set(member[1]!, valueOf(member[2]!));
  const requestId = asId(members.get("id")) ?? asId(members.get("request_id"));
  const ref = asId(members.get("ref"));
  return { ...(requestId !== undefined && { requestId }), ...(ref !== undefined && { ref }) };
}

function valueOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export function asId(value: unknown): string | undefined {
  const isId = typeof value === "string" && value.length > 0 && value.length <= MAX_ID_LENGTH && value.isWellFormed();
  return isId ? value : undefined;
}
