/**
 * Made when it is first asked for, then kept. A failure is not kept: who asks next tries anew, so that one hiccup at the
 * first use does not last as long as the process.
 */
export function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    if (made) return made;
    const making = make();
    made = making;
    making.catch(() => {
      made = undefined;
    });
    return making;
  };
}
