/**
 * The AWS SDK's clients as the engine is handed them, over the models: each attempt is a call of the process. What the world
 * refuses is tried again as the SDK does it, and so is what was done and whose answer was lost.
 */
import type { ApiGatewayManagementApiClient } from "@aws-sdk/client-apigatewaymanagementapi";
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { S3Client } from "@aws-sdk/client-s3";
import { MAX_ATTEMPTS } from "@streamer/aws/runtime";
import type { Chance } from "../../chance.ts";
import { signer } from "./bucket.ts";
import { serviceError } from "./dynamodb/database.ts";
import { UnknownToModel } from "./dynamodb/values.ts";
import type { Environment } from "./environment.ts";

interface Command {
  readonly input: object;
}

interface Services {
  /** Does a call at its moment, by the name of its command. */
  readonly dynamodb: (command: string, input: object) => object;
  readonly s3: (command: string, input: object) => object;
  readonly api: (command: string, input: object) => object;
}

export interface ClientsParts {
  readonly environment: Environment;
  readonly services: Services;
  /** Whether the answer of a call that was done is lost. */
  readonly isLost: (verb: string) => boolean;
  readonly chance: Chance;
  readonly broken: (what: string) => void;
  readonly tell: (what: string) => void;
}

export interface Clients {
  readonly dynamodb: DynamoDBClient;
  readonly s3: S3Client;
  readonly api: ApiGatewayManagementApiClient;
  /** A call of any service, tried again as the SDK does. */
  reach<T>(verb: string, work: () => T): Promise<T>;
}

/** "Retry behavior", AWS SDKs and Tools Reference Guide: standard mode. */
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 20_000;

export function createClients({ environment, services, isLost, chance, broken, tell }: ClientsParts): Clients {
  const { clock } = environment.process;

  /** What an answer was, or that there was none. */
  async function attempt<T>(verb: string, work: () => T): Promise<{ readonly value: T } | { readonly error: Error } | "no answer"> {
    const done = (): { readonly value: T } | { readonly error: Error } => {
      try {
        return { value: work() };
      } catch (error) {
        if (error instanceof UnknownToModel) broken(`${verb}: ${error.message}`);
        return { error: error as Error };
      }
    };
    const answer = await environment.call(verb, done).catch(() => "no answer" as const);
    if (answer === "no answer" || !isLost(verb)) return answer;
    tell(`loses the answer to ${verb}`);
    return "no answer";
  }

  async function reach<T>(verb: string, work: () => T): Promise<T> {
    for (let attempts = 1; ; attempts += 1) {
      const answer = await attempt(verb, work);
      if (answer !== "no answer") {
        if ("error" in answer) throw answer.error;
        return answer.value;
      }
      if (attempts === MAX_ATTEMPTS) throw serviceError("TimeoutError");
      const pauseMs = chance() * Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** attempts);
      await new Promise<void>((resolve) => void clock.after(pauseMs, resolve));
    }
  }

  const sender = (service: keyof Services) => (command: Command) => {
    const name = command.constructor.name;
    return reach(`${service}.${name.replace(/Command$/, "")}`, () => services[service](name, command.input));
  };
  const send = sender("s3");
  return {
    dynamodb: { send: sender("dynamodb") } as unknown as DynamoDBClient,
    s3: new Proxy(signer, { get: (target, name, receiver) => (name === "send" ? send : Reflect.get(target, name, receiver)) }),
    api: { send: sender("api") } as unknown as ApiGatewayManagementApiClient,
    reach,
  };
}
