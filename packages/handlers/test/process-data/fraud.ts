/** Payments of which about one in 130 is a fraud, as CSV: the rare class that nobody sees who is right most of the time. */
import { seededRandom } from "@streamer/models";

export function payments(rows: number, seed: number): string {
  const random = seededRandom(seed);
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const lines = Array.from({ length: rows }, (_, row) => {
    const [amount, distance, tries, age] = [normal(), normal(), normal(), normal()];
    const logit = -6.6 + 1.3 * amount + 0.9 * distance + 0.7 * tries - 0.4 * age;
    const isFraud = random() < 1 / (1 + Math.exp(-logit));
    return `p${row},${[amount, distance, tries, age].map((value) => value.toFixed(4)).join(",")},${isFraud ? "fraud" : "honest"}`;
  });
  return ["id,amount,distance,tries,age,kind", ...lines].join("\n");
}
