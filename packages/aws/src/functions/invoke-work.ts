/** Asks for a request to be run: one asynchronous invocation of the work function, which Lambda queues for us. */
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import type { RequestKey } from "@streamer/core";
import { required, VARIABLES } from "./settings.ts";

export interface WorkEvent {
  readonly key: RequestKey;
}
export type InvokeWork = (event: WorkEvent) => Promise<void>;

function createInvokeWork(client: LambdaClient, functionName: string): InvokeWork {
  return async (event) => {
    await client.send(
      new InvokeCommand({ FunctionName: functionName, InvocationType: "Event", Payload: new TextEncoder().encode(JSON.stringify(event)) }),
    );
  };
}

export const invokeWorkFromEnvironment = (): InvokeWork =>
  createInvokeWork(new LambdaClient({ maxAttempts: 6 }), required(process.env, VARIABLES.workFunction));
