/** What the test tells a page, in its address. */
const { searchParams } = new URL(location.href);

export const url = searchParams.get("url")!;
export const token = searchParams.get("token")!;
export const requestId = searchParams.get("request") ?? undefined;

/** What the page shows the test. */
export function expose(values: object): void {
  Object.assign(globalThis, values);
}
