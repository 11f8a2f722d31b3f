import type { JsonValue, RequestMetadata, RequestOptions } from "@streamer/protocol";
import type { AnyHandler } from "../handler.ts";
import type { Connection } from "../ports/connections.ts";
import type { RequestKey } from "../ports/requests.ts";

/** A request that was understood, validated and admitted: route decides whether it runs now or is submitted. */
export interface AcceptedRequest {
  readonly connection: Connection;
  readonly key: RequestKey;
  readonly requestId: string;
  readonly handler: AnyHandler;
  /** What the schema made of the payload. */
  readonly input: unknown;
  /** As it came: what is stored, and validated again when it runs. */
  readonly payload: JsonValue;
  readonly metadata: RequestMetadata;
  readonly options: RequestOptions;
  /** Class of the payload's size: rules/input-size.ts. */
  readonly size: number;
  /** What its handler says the run should take. */
  readonly declaredMs: number | undefined;
  /** Size of the frame it came in. */
  readonly bytes: number;
}
