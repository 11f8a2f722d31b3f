/** process_data as deployed: the shipped handlers in their functions, data sets from the bucket, stages and models in it. */
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DeleteObjectCommand, ListObjectsV2Command, S3Client } from "@aws-sdk/client-s3";
import { connect, type Client } from "@streamer/client";
import { startStreamerLocal, uploadData, type AwsLocal } from "../src/index.ts";

interface Processed {
  readonly url: string;
  readonly rows: number;
  readonly metrics: Readonly<Record<string, unknown>>;
  readonly model: { readonly model_id: string; readonly why: string };
}

/** Two kinds of plant that their leaves tell apart. */
const ROWS = Array.from({ length: 120 }, (_, row) => ({
  id: `p${row}`,
  leaf: (row % 2) * 3 + ((row * 7) % 11) / 11,
  stem: ((row * 13) % 17) / 17,
  kind: row % 2 === 1 ? "elm" : "ash",
}));
const LEARN = { pipeline: "classification", target: "kind", id_columns: ["id"], options: { model: "logistic" } };

let aws: AwsLocal;
let client: Client;
beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), "plants-"));
  await writeFile(
    join(folder, "plants.csv"),
    ["id,leaf,stem,kind", ...ROWS.map(({ id, leaf, stem, kind }) => `${id},${leaf},${stem},${kind}`)].join("\n"),
  );
  aws = await startStreamerLocal();
  await uploadData(aws, folder);
  client = connect(aws.url, { token: await aws.token({ userId: "flora" }), connectTimeoutMs: 60_000 });
});
afterAll(async () => {
  await client?.close();
  await aws?.stop();
});

const processed = async (payload: object, id: string): Promise<Processed> =>
  (await client.request("process_data", payload, { id }).result) as Processed;

describe("process_data on AWS", () => {
  it("learns from a data set in the bucket; its file has a signed link, its model scores what a query gives", async () => {
    const first = await processed({ ...LEARN, data_source: { type: "file", path: "plants.csv" } }, "trained");
    expect(first).toMatchObject({ rows: 120, metrics: { accuracy: 1 }, model: { model_id: "trained" } });
    const written = (await (await fetch(first.url)).json()) as { id: string; prediction: string }[];
    expect(written.map(({ id, prediction }) => [id, prediction])).toEqual(ROWS.map(({ id, kind }) => [id, kind]));
    const again = await processed(
      {
        pipeline: "classification",
        data_source: { type: "query", query: "SELECT id, leaf, stem FROM plants WHERE leaf > 2" },
        id_columns: ["id"],
        options: { model_id: "trained" },
      },
      "scored",
    );
    expect(again).toMatchObject({ rows: 60, model: { why: "trained by request trained" } });
    const earlier = await processed(
      { pipeline: "clustering", data_source: { type: "file", path: "request:trained/predictions.json" }, options: { clusters: 2 } },
      "from-file",
    );
    expect(earlier).toMatchObject({ rows: 120, metrics: { clusters: 2 } });
  });

  it("learns from rows that are appended while it reads them; each append is stored once, and the channel goes", async () => {
    const append = (sequence: number, rows: readonly object[], end = false) =>
      client.request("append_rows", { stream_id: "field", sequence, rows, end }).result;
    const twice = await Promise.all([append(0, ROWS.slice(0, 30)), append(0, ROWS.slice(0, 30))]);
    expect(twice).toEqual(expect.arrayContaining([expect.objectContaining({ next_sequence: 1, stored: true })]));
    await expect(append(0, ROWS.slice(0, 5))).rejects.toMatchObject({ code: "VALIDATION_ERROR" });
    await expect(append(5, [])).rejects.toMatchObject({ code: "VALIDATION_ERROR", details: { expected: 1 } });
    const run = processed({ ...LEARN, data_source: { type: "stream", stream_id: "field" } }, "streamed");
    for (const sequence of [1, 2, 3]) await append(sequence, ROWS.slice(30 * sequence, 30 * sequence + 30), sequence === 3);
    expect(await run).toMatchObject({ rows: 120, metrics: { accuracy: 1 } });
    expect(await append(0, ROWS.slice(0, 1), true)).toMatchObject({ next_sequence: 1, stored: true });
  });

  it("has a channel begin anew whose first rows went by the bucket's rule", async () => {
    // Ten fill a segment.
    const rows = [{ ...ROWS[0]!, note: "x".repeat(28_000) }];
    const append = (sequence: number) => client.request("append_rows", { stream_id: "old", sequence, rows }).result;
    for (let sequence = 0; sequence < 11; sequence += 1) await append(sequence);
    const { region, credentials, endpoints } = aws;
    const s3 = new S3Client({ region, credentials, endpoint: endpoints.s3, forcePathStyle: true });
    const at = { Bucket: aws.variable("STREAMER_BUCKET")! };
    const { Contents = [] } = await s3.send(new ListObjectsV2Command({ ...at, Prefix: "channels/" }));
    const segments = Contents.map(({ Key = "" }) => Key).filter((key) => key.endsWith(".ndjson"));
    const second = segments.find((key) => !key.endsWith("-000000000000.ndjson"))!;
    const first = segments.find((key) => key !== second && dirname(key) === dirname(second))!;
    await s3.send(new DeleteObjectCommand({ ...at, Key: first }));
    await expect(append(11)).rejects.toMatchObject({ code: "VALIDATION_ERROR", details: { expected: 0 } });
    expect(await append(0)).toMatchObject({ next_sequence: 1, stored: true });
    s3.destroy();
  });
});
