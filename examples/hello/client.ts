/** The other side: asks for a search, follows it, and answers with what was found. */
import { connect } from "@streamer/client";
import type { handlers } from "./handlers.ts";

export async function searchGaps(url: string, token: string, to: number, show: (line: string) => void): Promise<string> {
  await using client = connect<typeof handlers>(url, { token });

  const run = client.request("find_prime_gaps", { to });
  for await (const { percentage, message } of run.progress) show(`${Math.round(percentage)} % ${message ?? ""}`);
  const { largest } = await run.result;

  return `Between ${largest.after} and ${largest.after + largest.gap} there is no prime.`;
}
