/**
 * Speaks DynamoDB's JSON protocol as it is on the wire, without a client: stream records then have the very form that
 * Lambda hands to functions. Local engines want a signature to be there and look no further.
 */

export class DynamoError extends Error {
  override readonly name = "DynamoError";
  readonly type: string;
  constructor(type: string, message: string) {
    super(message);
    this.type = type;
  }
}

export async function callDynamo<T>(url: string, target: string, request: object): Promise<T> {
  const response = await fetch(url, {
    method: "POST",
    headers: {
      "content-type": "application/x-amz-json-1.0",
      "x-amz-target": target,
      "x-amz-date": new Date().toISOString().replaceAll(/[-:]|\.\d+/g, ""),
      authorization: "AWS4-HMAC-SHA256 Credential=LOCAL/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0",
    },
    body: JSON.stringify(request),
  });
  const answer = (await response.json()) as T & Readonly<Record<"__type" | "message" | "Message", string | undefined>>;
  if (!response.ok) throw new DynamoError(answer["__type"]?.split("#").at(-1) ?? "InternalFailure", answer.message ?? answer.Message ?? "");
  return answer;
}
