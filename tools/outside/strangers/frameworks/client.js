import { connect } from "@streamer/client";

const [, , url, token] = process.argv;
const client = connect(url, { token });
const run = client.request("count_words", { texts: ["one two", "three", "four five six"] }, { mode: "async" });
let heard = 0;
for await (const _ of run.progress) heard += 1;
console.log(JSON.stringify({ ...(await run.result), heard }));
await client.close();
