/** Does the same to the floor and to Streamer, one after the other: what counts is the one by the other. */
import { rounded } from "./figures.ts";
import { startBenchServer, startFloorServer, type BenchServer } from "./server.ts";

export interface Beside<T> {
  readonly floor: T;
  readonly streamer: T;
}

export async function besideFloor<T>(measure: (server: BenchServer) => Promise<T>): Promise<Beside<T>> {
  const floor = await on(startFloorServer, measure);
  return { floor, streamer: await on(startBenchServer, measure) };
}

async function on<T>(start: () => Promise<BenchServer>, measure: (server: BenchServer) => Promise<T>): Promise<T> {
  await using server = await start();
  return await measure(server);
}

/** Streamer's by the floor's. */
export const ratioOf = <T>({ floor, streamer }: Beside<T>, figure: (measured: T) => number): number =>
  rounded(figure(streamer) / figure(floor));
