/** How a run reports: five stages, each as long on the bar as it should take (costs.ts). */
export { count, megabytes, part, partsByCost, type Tell } from "../stages.ts";

const EVERY_MS = 250;

/** Says four times a second, until `work` ends, what is known of it. */
export async function whileWorking<T>(work: Promise<T>, look: () => Promise<void> | void): Promise<T> {
  const timer = setInterval(() => void look(), EVERY_MS);
  try {
    return await work;
  } finally {
    clearInterval(timer);
  }
}
