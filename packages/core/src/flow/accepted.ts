import type { JsonValue, RequestMetadata, RequestOptions } from "@streamer/protocol";
import type { AnyHandler } from "../handler.ts";
import type { Connection } from "../ports/connections.ts";
import type { RequestKey } from "../ports/requests.ts";
import type { Terms } from "../rules/asked-options.ts";
import type { RunKind } from "../rules/run-series.ts";

/** A request that was understood, validated and admitted: route decides whether it is answered at once or submitted. */
export interface AcceptedRequest {
  readonly connection: Connection;
  readonly key: RequestKey;
  readonly requestId: string;
  readonly handler: AnyHandler;
  /** What the schema made of the payload. */
  readonly input: unknown;
  readonly payload: JsonValue;
  /** The payload's JSON text, made before a handler could change the payload. */
  readonly payloadText: string;
  readonly metadata: RequestMetadata;
  readonly options: RequestOptions;
  /** What it runs under: what its handler promises, less where the client asked for less. */
  readonly terms: Terms;
  /** What is expected of its run: by action, size of the payload, and what the handler declares. */
  readonly kind: RunKind;
  /** To be called once what there is under its id can be found: frames that came right behind it wait for that. */
  readonly onKnown: () => void;
}
